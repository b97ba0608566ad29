/** A child whose process died while it redirected it: what the session says may still be of the turn before. */

import { performance } from "node:perf_hooks";
import { messagesOf } from "./gateway-calls.ts";
import type { GatewayLink } from "./gateway-link.ts";
import { resultIn } from "./gateway-result.ts";
import type { GatewayRun } from "./gateway-run.ts";

/** Whether the end in the session may be that of the turn that was interrupted for this run, which is about to begin. */
export async function mayYetBegin(link: GatewayLink, run: GatewayRun): Promise<boolean> {
  if (!run.isRedirected || performance.now() - run.followedAt > BEGINS_MS) return false;
  const { failure } = resultIn(await messagesOf(link, run.sessionKey, MESSAGES));
  return failure?.code === "run_interrupted";
}

/** By then it has begun, or it never will. */
const BEGINS_MS = 15_000;
/** More than a turn that has just begun can have. */
const MESSAGES = 50;
