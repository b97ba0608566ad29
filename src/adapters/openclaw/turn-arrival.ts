/** Whether a turn that was started for completions has brought them to the requester's model. */

import { setTimeout as delay } from "node:timers/promises";
import type { HostRuntime } from "./api.ts";
import type { TranscriptSearch } from "./requester-transcript.ts";

export type ArrivalOptions = {
  runtime: Pick<HostRuntime, "subagent">;
  search: TranscriptSearch;
  /** Milliseconds. */
  timeoutMs: number;
};

/**
 * @param keys all of the turn's
 * @returns undefined when they are there, else why the turn, which is over, failed before a model had taken them up
 * @throws when the turn may still be under way after `timeoutMs`
 */
export async function failureOf(
  { runtime, search, timeoutMs }: ArrivalOptions,
  sessionKey: string,
  keys: readonly string[],
  runId: string,
): Promise<string | undefined> {
  const deadline = Date.now() + timeoutMs;
  let ended: { status: string; error?: string } | undefined;
  let turn: Promise<void> | undefined = runtime.subagent.waitForRun({ runId, timeoutMs }).then(
    (result) => {
      turn = undefined;
      // What was cut short is told as `timeout`, long before the wait itself would be over.
      if (result.status !== "timeout" || Date.now() < deadline - EARLY_MS) ended = result;
    },
    // Only the transcript is left to look at. A promise that is settled would turn the loop below without a pause.
    () => void (turn = undefined),
  );
  for (let pause = FIRST_LOOK_MS; Date.now() < deadline; pause = Math.min(pause * 2, LAST_LOOK_MS)) {
    const pausing = delay(pause, undefined, { ref: false });
    await (turn === undefined ? pausing : Promise.race([turn, pausing]));
    const over = ended;
    if (over !== undefined) await delay(AFTER_END_MS, undefined, { ref: false });
    const states = await search(sessionKey, keys).catch(() => undefined);
    if (states !== undefined && keys.every((key) => states.get(key) === "answered")) return undefined;
    if (over === undefined) continue;
    // 2026.4.1 calls a turn `ok` also when its model has answered with an error.
    const refused = states !== undefined && keys.some((key) => states.get(key) === "failed");
    if (over.status === "ok" && !refused) return undefined;
    return over.error ?? (refused ? "its model answered with an error" : `it ended with "${over.status}"`);
  }
  throw new Error(`the gateway took the result up but it isn't in ${sessionKey} after ${timeoutMs} ms`);
}

/** A look costs the gateway's loop as much as a request or more. A turn that ends tells so itself; one may go on for long. */
const FIRST_LOOK_MS = 500;
const LAST_LOOK_MS = 16_000;
/**
 * What a gateway does at a turn's end keeps its loop 100 to 150 ms without a look, and 30 to 40 longer with one in it
 * (2026.9.6, measured).
 */
const AFTER_END_MS = 250;
const EARLY_MS = 1000;
