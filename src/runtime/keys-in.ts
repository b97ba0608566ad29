/** Which results a session in a thread was told of, by its transcript. */

import { readFile } from "node:fs/promises";

/** Of these completion keys, those of the blocks (completion-text.ts) that stand in the file; none when it can't be read. */
export async function keysIn(transcriptPath: string, keys: readonly string[]): Promise<string[]> {
  try {
    const said = await readFile(transcriptPath);
    // A line of a block, as it stands within a line of JSON: a run's id alone is also in what its spawn answered.
    return keys.filter((key) => said.includes(`\\nkey: ${key}\\n`));
  } catch {
    return [];
  }
}
