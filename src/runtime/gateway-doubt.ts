/**
 * Runs that a gateway was asked for without its answer having come. It may have them at work, so they are followed like
 * any other until it shows that it has them, or has had time enough to: then they count as never taken.
 */

import { performance } from "node:perf_hooks";
import type { Outcome } from "../types.ts";
import { messagesOf, type RunEnd, type SessionLook } from "./gateway-calls.ts";
import type { GatewayParts, GatewayRun } from "./gateway-run.ts";

type DoubtParts = Pick<GatewayParts, "link" | "registry">;

/**
 * @param session the run's, as the gateway lists it @param own how the run ended by its id
 * @returns how it ends when the gateway doesn't have it; undefined when it has it, or may yet show that it has
 * @throws InprocessError of the connection
 */
export async function lookInDoubt(
  { link, registry }: DoubtParts,
  run: GatewayRun,
  session: SessionLook | undefined,
  own: RunEnd | undefined,
): Promise<Outcome | undefined> {
  if (run.doubt === undefined) return undefined;
  const isTaken = own !== undefined || run.startedAt !== undefined || (await hasWork(link, run.sessionKey, session));
  if (!isTaken && session === undefined) return notTaken();
  if (!isTaken && !(await isTakenNow(run))) {
    return performance.now() - run.followedAt > SHOWN_MS ? notTaken(run.doubt.said) : undefined;
  }
  run.doubt = undefined;
  run.knownAt = performance.now();
  registry.intents.drop(run.id);
  return undefined;
}

/** Asks for it once more, while the gateway knows for certain what it was asked for before. */
async function isTakenNow(run: GatewayRun): Promise<boolean> {
  const askAgain = run.doubt?.askAgain;
  const sinceMs = Math.max(Date.now() - run.acceptedAt, performance.now() - run.followedAt);
  if (askAgain === undefined || run.ending !== undefined || sinceMs > KNOWN_MS) return false;
  try {
    const answer = await askAgain();
    if (!("refusal" in answer)) return true;
    // That it isn't taken now doesn't say that it wasn't before.
    run.doubt = { said: answer.refusal.message };
    return false;
  } finally {
    // The process that was reached may have it from now on.
    run.knownAt = performance.now();
  }
}

/** Whether a session shows that something was begun in it. */
export async function hasWork(
  link: GatewayParts["link"],
  sessionKey: string,
  session: SessionLook | undefined,
): Promise<boolean> {
  return session?.status !== undefined || (await messagesOf(link, sessionKey, 1)).length > 0;
}

function notTaken(said?: string): Outcome {
  const more = said === undefined ? "" : ` Asked again it said: ${said}`;
  const message = `The gateway was asked for the run, its answer never came, and it has nothing of the run; spawn it again if its work is still wanted.${more}`;
  return { status: "interrupted", cause: { code: "run_interrupted", message } };
}

/** So long a gateway certainly knows by its id what it was asked for, and doesn't begin it twice. OpenClaw: 5 minutes. */
const KNOWN_MS = 3 * 60_000;
/** What waits longer than that in the gateway's lane without a trace isn't waited for here. */
const SHOWN_MS = 10 * 60_000;
