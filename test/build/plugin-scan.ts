/** What OpenClaw's scan of a plugin objects to, the stricter of both versions each: it reads text, so comments count. */

export type ScannedFile = { name: string; text: string };

/** One line for each finding, `<file>: <what>`. */
export function findings(files: readonly ScannedFile[]): string[] {
  const found = files.flatMap(({ name, text }) =>
    RULES.filter(({ all }) => all.every((pattern) => pattern.test(text))).map(({ what }) => `${name}: ${what}`),
  );
  const unread = files
    .filter(({ text }) => Buffer.byteLength(text) > MAX_BYTES)
    .map(({ name }) => `${name}: too large`);
  return [...found, ...unread, ...(files.length > MAX_FILES ? [`${files.length} files: too many`] : [])];
}

/** Files of other kinds aren't read. */
export function isScanned(name: string): boolean {
  return /\.[cm]?[jt]sx?$/i.test(name);
}

const CALL_THAT_STARTS = /\b(?:exec|spawn|execFile)(?:Sync)?(?:["']\s*\])?\s*\(/;
const SENDS = /\b(?:fetch|post)\b|http\.request/i;

/** A rule is met by a file in which each of its patterns is found, wherever they stand. */
const RULES: readonly { what: string; all: readonly RegExp[] }[] = [
  { what: "may start a process", all: [/child_process/, CALL_THAT_STARTS] },
  { what: "runs code made from text", all: [/\beval\s*\(|\bnew\s+Function\s*\(/] },
  { what: "reads files and may send them", all: [/readFile/, SENDS] },
  { what: "reads the environment and may send it", all: [/process\.env/, SENDS] },
  { what: "hides text in hex", all: [/(?:\\x[\da-f]{2}){6}/i] },
  { what: "hides text in base64", all: [/(?:atob|Buffer\.from)\s*\(\s*["'][\w+/=-]{200}/] },
  { what: "opens a WebSocket on a port of its own", all: [/new\s+WebSocket\s*\(\s*["']wss?:/] },
];

/** What is beyond isn't read at all, so a clean answer would say nothing. */
const MAX_BYTES = 1024 * 1024;
const MAX_FILES = 500;
