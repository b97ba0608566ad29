/** A doctor's findings for a person, or as JSON for a program. */

import type { Finding } from "./doctor.ts";

/** One line a finding, its fixes below it. */
export function findingLines(findings: readonly Finding[]): string[] {
  const width = Math.max(...findings.map(({ about }) => about.length));
  return findings.flatMap(({ level, about, text, fix = [] }) => [
    `${MARKS[level]} ${about.padEnd(width)}  ${text}`,
    ...fix.map((line) => `${" ".repeat(width + 6)}${line}`),
  ]);
}

const MARKS: Record<Finding["level"], string> = { ok: "ok  ", note: "note", problem: "FAIL" };
