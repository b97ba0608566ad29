/** The life of each run as log lines, with its id; what a run says stays out of the log. */

import type { RunEvent } from "../events.ts";
import type { Logger } from "../log.ts";

/** Logs until the events end. */
export async function logRuns(events: AsyncIterable<RunEvent>, logger: Logger): Promise<void> {
  for await (const event of events) logRun(event, logger);
}

function logRun(event: RunEvent, logger: Logger): void {
  const { runId, sessionKey, requesterSessionKey } = event;
  const ids = { runId, sessionKey };
  switch (event.type) {
    case "accepted":
      return logger.info({ ...ids, requesterSessionKey, agentId: event.agentId, depth: event.depth }, "run accepted");
    case "started":
      return logger.info({ ...ids, threadId: event.threadId, queueMs: event.queueMs }, "run started");
    case "settled": {
      const { outcome, runtimeMs, usage, model } = event;
      const fields = {
        ...ids,
        status: outcome.status,
        cause: outcome.cause,
        runtimeMs,
        tokens: usage.totalTokens,
        model,
      };
      return outcome.status === "ok" ? logger.info(fields, "run settled") : logger.warn(fields, "run settled");
    }
    case "waiting":
    case "resumed":
    case "delivered":
      return logger.info(ids, `run ${event.type}`);
    case "undelivered":
      return logger.warn({ ...ids, reason: event.reason }, "its completion could not be delivered");
    default:
      return;
  }
}
