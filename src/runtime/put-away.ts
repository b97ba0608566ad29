/** The end of a transcript that isn't to be kept. */

import { rename } from "node:fs/promises";
import { messageOf } from "../errors.ts";
import type { Logger } from "../log.ts";

/** A transcript is renamed, never destroyed. */
export async function putAway(path: string, logger: Logger): Promise<void> {
  const stamp = new Date().toISOString().replaceAll(":", "-");
  await rename(path, `${path}.deleted.${stamp}`).catch((error: unknown) => {
    logger.warn({ path }, `a transcript could not be put away: ${messageOf(error)}`);
  });
}
