/**
 * When the host goes on with calls that were answered. It does so in the very turn of the loop: for 3 to 7 milliseconds a
 * call on 2026.4.1, for 25 to 40 on 2026.9.6, where five that came together held the loop for 240.
 */

import { setImmediate as nextTurn } from "node:timers/promises";

/**
 * Resolves in a later turn of the loop, so that what was started sets out first; of several that wait, those that come
 * after a turn has been held for a while in the one after it, with the loop's other work in between.
 */
export async function leftToGoOn(): Promise<void> {
  do await nextTurn();
  while (heldSince !== undefined && performance.now() - heldSince > LONG_MS);
  if (heldSince !== undefined) return;
  heldSince = performance.now();
  // Queued before all that wait for the next turn, so it is the first there.
  setImmediate(() => (heldSince = undefined));
}

/** When the first of those that wait went on in this turn of the loop. */
let heldSince: number | undefined;
/** A frame: three or four calls of 2026.4.1, or one of 2026.9.6. */
const LONG_MS = 16;
