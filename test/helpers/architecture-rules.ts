/** The import rules of `src/`, and what breaks them. */

import { cyclesOf, importsOf, readsEnvironment, type Import, type Source } from "./import-graph.ts";

/** One sentence for each broken rule, empty when all hold. */
export function faultsOf(sources: readonly Source[]): string[] {
  const imports = sources.flatMap(importsOf);
  return [
    ...imports.flatMap(importFaults),
    ...cyclesOf(imports).map((way) => `import cycle: ${way.join(" → ")}`),
    ...sources.flatMap(lengthFaults),
    ...sources.flatMap(environmentFaults),
  ];
}

function importFaults(found: Import): string[] {
  return isOurs(found.to) ? folderFaults(found) : ownerFaults(found);
}

function folderFaults({ from, to, typeOnly }: Import): string[] {
  if (from === "index.ts" || layerOf(from) === layerOf(to)) return [];
  if (to === "index.ts") return [`${from} imports index.ts, which nobody may`];
  if (layerOf(to) === "adapters") return [`${from} imports ${to}: nobody imports adapters/`];
  if (typeOnly) return [];
  if (layerOf(to) === "worker") return [`${from} imports ${to}: worker/ is reached by URL only`];
  const allowed = MAY_IMPORT[layerOf(from)];
  if (allowed === undefined) return [`${from} is in a folder that the table doesn't know`];
  return allowed.some((rule) => matches(rule, to)) ? [] : [`${from} imports ${to}, which ${layerOf(from)} may not`];
}

function ownerFaults({ from, to, typeOnly }: Import): string[] {
  const owned = OWNERS.find(({ name }) => to === name || to.startsWith(`${name}/`));
  if (owned === undefined) {
    return to.startsWith("node:") || typeOnly ? [] : [`${from} imports ${to}, which has no owner yet`];
  }
  if (typeOnly && !owned.typesToo) return [];
  return owned.by.some((place) => from.startsWith(place))
    ? []
    : [`${from} imports ${to}, which belongs to ${owned.by.join(", ")}`];
}

function lengthFaults({ path, text }: Source): string[] {
  const lines = text.trimEnd().split("\n").length;
  return lines > MAX_LINES ? [`${path} has ${lines} lines, more than ${MAX_LINES}: it is probably two files`] : [];
}

function environmentFaults(source: Source): string[] {
  if (ENVIRONMENT_READERS.some((place) => source.path.startsWith(place)) || !readsEnvironment(source)) return [];
  return [`${source.path} reads the environment, which only ${ENVIRONMENT_READERS.join(", ")} may`];
}

/** The folder, or `leaves` for a file directly in `src/` and for `config/`, which is what `config.ts` is made of. */
function layerOf(path: string): string {
  const [folder, ...rest] = path.split("/");
  return rest.length === 0 || folder === "config" ? "leaves" : folder!;
}

function matches(rule: string, path: string): boolean {
  if (rule === "leaves") return layerOf(path) === "leaves";
  return path === rule || path.startsWith(`${rule}/`);
}

/** Packages have no file suffix; ours always do. */
function isOurs(specifier: string): boolean {
  return specifier.endsWith(".ts");
}

const CONFIG = ["config.ts", "config"];

/** Value imports from one folder into another. `types.ts` and `errors.ts` hold what crosses folders. */
const MAY_IMPORT: Record<string, readonly string[]> = {
  adapters: ["tools", "policy", "runtime", "pool", "channel", "announce", "registry", "sessions", "leaves"],
  tools: ["policy", "runtime/runtime.ts", "sessions", "leaves"],
  policy: [...CONFIG, "errors.ts", "types.ts", "glob.ts"],
  runtime: ["pool", "channel", "announce", "registry", "sessions", "policy", "leaves"],
  pool: ["channel", ...CONFIG, "errors.ts", "types.ts", "package-root.ts"],
  worker: [
    "channel",
    "sessions",
    "errors.ts",
    "events.ts",
    "types.ts",
    "redact.ts",
    "usage.ts",
    "kill-tree.ts",
    "glob.ts",
  ],
  channel: ["errors.ts", "events.ts", "types.ts"],
  announce: ["registry", "sessions", "leaves"],
  registry: ["sessions", "errors.ts", "types.ts", "usage.ts", "make-folder.ts"],
  sessions: ["leaves"],
  leaves: ["leaves"],
};

/** Who may load what is not ours. pi's types aren't in the published package's reach either: it is bundled. */
const OWNERS: readonly { name: string; by: readonly string[]; typesToo?: boolean }[] = [
  { name: "piscina", by: ["pool/"] },
  { name: "node:child_process", by: ["pool/"] },
  { name: "node:sqlite", by: ["registry/"] },
  { name: "ws", by: ["runtime/gateway-"] },
  { name: "openclaw", by: ["adapters/openclaw-plugin.ts"] },
  { name: "@earendil-works", by: ["worker/engines/"], typesToo: true },
  { name: "zod", by: ["config.ts", "config/", "tools/", "runtime/gateway-"] },
  { name: "json5", by: ["config/"] },
  { name: "pino", by: ["log.ts"] },
  { name: "commander", by: ["adapters/cli/"] },
  { name: "log-update", by: ["adapters/cli/"] },
  { name: "@openclaw/fs-safe", by: ["worker/tools/"] },
  { name: "execa", by: ["worker/tools/"] },
  { name: "ignore", by: ["worker/tools/"] },
  { name: "@cfworker/json-schema", by: ["worker/"] },
  // The thread ends what its tools started; the host does it when the thread can't any more.
  { name: "tree-kill", by: ["kill-tree.ts"] },
];

const ENVIRONMENT_READERS = ["adapters/", "config.ts", "config/"];
const MAX_LINES = 300;
