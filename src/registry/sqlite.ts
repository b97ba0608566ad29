/** The way to `node:sqlite` that keeps its experimental warning, and only that one, out of the user's terminal. */

import type * as Sqlite from "node:sqlite";

let loaded: typeof Sqlite | undefined;

/** Node warns while the module is first loaded, synchronously; a static import would come too early to stop it. */
export function loadSqlite(): typeof Sqlite {
  loaded ??= withoutSqliteWarning(() => process.getBuiltinModule("node:sqlite"));
  return loaded;
}

function withoutSqliteWarning<T>(load: () => T): T {
  const emitWarning = Reflect.get(process, "emitWarning") as typeof process.emitWarning &
    ((...args: unknown[]) => void);
  process.emitWarning = (...args: unknown[]): void => {
    if (!isSqliteWarning(args)) Reflect.apply(emitWarning, process, args);
  };
  try {
    return load();
  } finally {
    process.emitWarning = emitWarning;
  }
}

function isSqliteWarning([warning, type]: unknown[]): boolean {
  return type === "ExperimentalWarning" && typeof warning === "string" && warning.includes("SQLite");
}
