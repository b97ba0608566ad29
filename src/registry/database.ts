/** One open registry file: its folder, its pragmas, its transactions, and sentences for what SQLite can refuse. */

import { closeSync, existsSync, fdatasync, openSync } from "node:fs";
import { dirname } from "node:path";
import type { DatabaseSync, StatementSync } from "node:sqlite";

import { makeFolder } from "../make-folder.ts";
import { InprocessError, messageOf } from "../errors.ts";
import { Checkpointer } from "./checkpointer.ts";
import { migrate, requireCurrent } from "./migrations.ts";
import { loadSqlite } from "./sqlite.ts";

/** Opens, and unless `readOnly` creates (file 0600, its folder 0700) and migrates. `:memory:` is private to this call. */
export function openDatabase(file: string, readOnly: boolean): Database {
  const onDisk = file !== ":memory:";
  if (onDisk && readOnly) requireFile(file);
  else if (onDisk) createFile(file);
  return explaining(file, () => {
    const db = new (loadSqlite().DatabaseSync)(file, { readOnly, timeout: BUSY_MS });
    try {
      if (readOnly) requireCurrent(db, file);
      else {
        db.exec(NEW_FILE_PRAGMA);
        if (onDisk) enterWal(db, file);
        db.exec(WRITER_PRAGMAS);
        migrate(db, file);
      }
      return new Database(db, file, readOnly);
    } catch (error) {
      db.close();
      throw error;
    }
  });
}

export class Database {
  readonly readOnly: boolean;
  readonly #db: DatabaseSync;
  readonly #file: string;
  /** Prepared like all others: nothing of a write has to be read as SQL any more. */
  readonly #begin: StatementSync;
  readonly #commit: StatementSync;
  readonly #checkpointer: Checkpointer | undefined;
  #log: number | undefined;

  constructor(db: DatabaseSync, file: string, readOnly: boolean) {
    this.#db = db;
    this.#file = file;
    this.readOnly = readOnly;
    this.#begin = db.prepare("BEGIN IMMEDIATE");
    this.#commit = db.prepare("COMMIT");
    if (!readOnly && file !== ":memory:") this.#checkpointer = new Checkpointer(file, db);
  }

  /** For statements that are prepared once and live as long as the registry. */
  prepare(sql: string): StatementSync {
    return this.#db.prepare(sql);
  }

  read<T>(work: () => T): T {
    return explaining(this.#file, work);
  }

  /**
   * One immediate transaction, rolled back when `work` throws; inside another one's `work`, a part of that one. A power
   * cut, not a kill, can lose it (synchronous NORMAL).
   */
  write<T>(work: () => T): T {
    if (this.readOnly) throw new InprocessError("internal", `The registry ${this.#file} was opened to look only.`);
    if (this.#db.isTransaction) return work();
    return explaining(this.#file, () => {
      this.#begin.run();
      let result: T;
      try {
        result = work();
        this.#commit.run();
      } catch (error) {
        // SQLite may have rolled back by itself (a full disk), and then a second ROLLBACK would hide the cause.
        if (this.#db.isTransaction) this.#db.exec("ROLLBACK");
        throw error;
      }
      this.#checkpointer?.wrote();
      return result;
    });
  }

  /** The same, on the disk before it returns. The pragma can't change inside a transaction, so it is set around it. */
  writeDurably<T>(work: () => T): T {
    if (!this.readOnly) this.#db.exec("PRAGMA synchronous = FULL");
    try {
      return this.write(work);
    } finally {
      if (!this.readOnly) this.#db.exec("PRAGMA synchronous = NORMAL");
    }
  }

  /**
   * Resolves when all that was committed before is on the disk. A commit under synchronous NORMAL is a write to the
   * write-ahead log without its sync; the sync is done here by the thread pool, where it stalls nobody.
   */
  async sync(): Promise<void> {
    if (this.#checkpointer === undefined) return;
    // SQLite holds no locks on the log, so opening and closing it drops none.
    const log = (this.#log ??= openSync(`${this.#file}-wal`, "r+"));
    await new Promise<void>((resolve, reject) => {
      fdatasync(log, (error) => (error === null ? resolve() : reject(unusableDir(this.#file, error))));
    });
  }

  /** Empties the write-ahead log into the file and closes it. */
  async close(): Promise<void> {
    if (!this.#db.isOpen) return;
    if (this.#log !== undefined) closeSync(this.#log);
    this.#log = undefined;
    await this.#checkpointer?.close();
    if (this.#db.isOpen) this.#db.close();
  }
}

function requireFile(file: string): void {
  if (existsSync(file)) return;
  throw new InprocessError(
    "registry_unusable",
    `There is no registry file ${file}: nothing has run with this state directory yet.`,
  );
}

function createFile(file: string): void {
  try {
    makeFolder(dirname(file), 0o700);
    // Made here for its mode, which SQLite copies to the -wal and -shm files. Exclusively: opening and closing a file
    // that another connection of this process has open would drop that connection's locks.
    closeSync(openSync(file, "wx", 0o600));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST" && existsSync(file)) return;
    throw unusableDir(file, error);
  }
}

/** Entering WAL mode asks for the file alone and doesn't wait for it: two first starts at once have to take turns. */
function enterWal(db: DatabaseSync, file: string): void {
  for (let waited = 0; ; waited += WAL_RETRY_MS) {
    try {
      const mode = db.prepare("PRAGMA journal_mode = WAL").get()?.["journal_mode"];
      if (mode === "wal") return;
      throw new InprocessError(
        "state_dir_unusable",
        `The file system of ${dirname(file)} can't share a SQLite file between processes; use a local directory.`,
      );
    } catch (error) {
      if (primaryCode(error) !== SQLITE_BUSY || waited >= BUSY_MS) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, WAL_RETRY_MS);
    }
  }
}

function explaining<T>(file: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw explained(file, error);
  }
}

function explained(file: string, error: unknown): unknown {
  switch (primaryCode(error)) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return new InprocessError(
        "registry_unusable",
        `The registry file ${file} is damaged or isn't a registry (${messageOf(error)}); move it away together with ` +
          `the files ${file}-wal and ${file}-shm, and a new one is made at the next start.`,
        { cause: error },
      );
    case SQLITE_BUSY:
      return new InprocessError(
        "registry_unusable",
        `The registry file ${file} was locked by another process for over ${BUSY_MS / 1_000} s; end that process and try again.`,
        { cause: error },
      );
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_IOERR:
    case SQLITE_FULL:
      return unusableDir(file, error);
    default:
      return error;
  }
}

function unusableDir(file: string, error: unknown): InprocessError {
  return new InprocessError(
    "state_dir_unusable",
    `The state directory ${dirname(file)} can't be used (${messageOf(error)}); make it a writable folder with free ` +
      "space, or choose another state directory.",
    { cause: error },
  );
}

function primaryCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !("errcode" in error)) return undefined;
  return Number(error.errcode) & 0xff;
}

/** Milliseconds a statement waits for another process's write. Writes here take well under one. */
const BUSY_MS = 5_000;
const WAL_RETRY_MS = 20;

/** Acts before the first table only. A commit logs whole pages, and a run's row and its index entries lie in seven of them. */
const NEW_FILE_PRAGMA = "PRAGMA page_size = 2048";

const WRITER_PRAGMAS = `
  PRAGMA synchronous = NORMAL;
  PRAGMA wal_autocheckpoint = 0;
  PRAGMA temp_store = MEMORY;
`;

const SQLITE_BUSY = 5;
const SQLITE_READONLY = 8;
const SQLITE_IOERR = 10;
const SQLITE_CORRUPT = 11;
const SQLITE_FULL = 13;
const SQLITE_CANTOPEN = 14;
const SQLITE_NOTADB = 26;
