/** What the command line asks of a benchmark run; a mistake is one sentence and the exit code 2. */

import { parseArgs, type ParseArgsOptionsConfig } from "node:util";

/** @returns what is set; unknown options and missing values end the process */
export function readOptions<T extends ParseArgsOptionsConfig>(options: T, allowPositionals = false) {
  try {
    return parseArgs({ options, allowPositionals });
  } catch (error) {
    // Node's first sentence names the option, the others are about shells.
    const [sentence] = error instanceof Error ? error.message.split(/\.\s|\n/) : [];
    refuse(
      `${sentence}; the options are ${Object.keys(options)
        .map((name) => `--${name}`)
        .join(", ")}.`,
    );
  }
}

export function refuse(sentence: string): never {
  console.error(sentence);
  process.exit(2);
}

/** @returns undefined when it wasn't given */
export function roundsOf(value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  const rounds = Number(value);
  if (!Number.isInteger(rounds) || rounds < 1) refuse(`--rounds takes a number from 1, not ${value || "nothing"}.`);
  return rounds;
}
