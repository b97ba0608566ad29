/** What other plugins and the gateway's session list are told of a child's life. */

import type { RunEvent } from "../../events.ts";
import { messageOf } from "../../errors.ts";
import type { Logger } from "../../log.ts";
import type { SubagentRuntime } from "../../runtime/runtime.ts";
import type { OutcomeStatus } from "../../types.ts";
import type { Sdk } from "./openclaw-package.ts";
import type { SessionStore } from "./sessions.ts";

/** Ends with the runtime. A hook that fails is its plugin's own affair. */
export function tellLifecycle(
  runtime: SubagentRuntime,
  { sdk, sessions, logger }: { sdk: Sdk; sessions: SessionStore | undefined; logger: Logger },
): void {
  const tell = async (event: RunEvent): Promise<void> => {
    if (event.type === "accepted") await spawned(sdk, event);
    if (event.type !== "settled") return;
    await Promise.all([ended(sdk, event), sessions?.settle({ ...event, childSessionKey: event.sessionKey })]);
  };
  const listen = async (): Promise<void> => {
    for await (const event of runtime.events()) {
      tell(event).catch((error: unknown) => logger.warn({ runId: event.runId }, `not told: ${messageOf(error)}`));
    }
  };
  void listen();
}

async function spawned(sdk: Sdk, event: Extract<RunEvent, { type: "accepted" }>): Promise<void> {
  const runner = sdk.hooks();
  if (runner?.hasHooks("subagent_spawned") !== true) return;
  const { runId, sessionKey: childSessionKey, requesterSessionKey, agentId, label } = event;
  await runner.runSubagentSpawned(
    { runId, childSessionKey, agentId, mode: "run", threadRequested: false, ...(label === undefined ? {} : { label }) },
    { runId, childSessionKey, requesterSessionKey },
  );
}

async function ended(sdk: Sdk, event: Extract<RunEvent, { type: "settled" }>): Promise<void> {
  const runner = sdk.hooks();
  if (runner?.hasHooks("subagent_ended") !== true) return;
  const { runId, sessionKey: childSessionKey, requesterSessionKey, outcome, at } = event;
  await runner.runSubagentEnded(
    {
      targetSessionKey: childSessionKey,
      targetKind: "subagent",
      reason: `subagent-${REASON[outcome.status]}`,
      sendFarewell: false,
      runId,
      endedAt: at,
      outcome: outcome.status === "interrupted" ? "error" : outcome.status,
      ...(outcome.cause === undefined ? {} : { error: outcome.cause.message }),
    },
    { runId, childSessionKey, requesterSessionKey },
  );
}

const REASON: Record<OutcomeStatus, string> = {
  ok: "complete",
  error: "error",
  timeout: "error",
  killed: "killed",
  interrupted: "error",
};
