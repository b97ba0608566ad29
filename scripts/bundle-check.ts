/** What the text of the bundled worker may not hold. */

/**
 * OpenClaw's plugin scan reads the text alone, so a comment or a string counts.
 * @param name the file, as the message should name it
 * @param options `hearsOfProcesses`: it may name Node's channel that announces processes, as long as it starts none
 * @throws Error listing every rule that is broken, with where
 */
export function assertWorkerText(text: string, name: string, options: { hearsOfProcesses?: boolean } = {}): void {
  const rules = [...RULES, options.hearsOfProcesses === true ? STARTS_NONE : NO_PROCESSES];
  const faults = rules.flatMap(({ what, pattern }) => {
    const match = pattern.exec(text);
    return match ? [`${what} near \`${surroundings(text, match.index)}\``] : [];
  });
  if (faults.length > 0) {
    throw new Error(
      `${name} holds what the worker must not: ${faults.join("; ")}. Find the module that brings it and patch it in scripts/bundle-patches.ts.`,
    );
  }
}

function surroundings(text: string, at: number): string {
  return text.slice(Math.max(0, at - 60), at + 60).replaceAll(/\s+/g, " ");
}

/** Stricter than the scan where that is simple: a bundle without `child_process` may use `regex.exec(`. */
const RULES = [
  { what: "the environment", pattern: /\bprocess\d*\s*(?:\.|\?\.)\s*env\b|\bprocess\d*\s*(?:\?\.)?\[\s*["'`]env/ },
  { what: "eval", pattern: /\beval\s*\(/ },
  { what: "a function made from text", pattern: /\bnew\s+Function\b|\bglobalThis\.Function\b|\bFunction\s*\(\s*["'`]/ },
  { what: "a file of the system's that holds an environment", pattern: /\/proc\/.{1,20}\/environ\b/ },
] as const;

const NO_PROCESSES = { what: "child_process", pattern: /child_process/ };
/** As the scan has it: in a file with that name any call of such a name counts, a regular expression's too. */
const STARTS_NONE = {
  what: "a call that may start a process",
  pattern: /\b(?:exec|execSync|spawn|spawnSync|execFile|execFileSync|fork)\s*\(/,
};
