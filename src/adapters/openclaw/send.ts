/** A message to another session of the gateway, dispatched inside the process: no socket, no pairing. */

import { AsyncLocalStorage } from "node:async_hooks";
import { randomUUID } from "node:crypto";
import type { Host } from "../../host.ts";
import type { HostRuntime } from "./api.ts";

/** Call it where no request or tool call is under way, as `deliverByTurn`. */
export function sendInTurn({ subagent }: HostRuntime): NonNullable<Host["sendTo"]> {
  const outside = AsyncLocalStorage.snapshot();
  return async (sessionKey, message, { from, timeoutMs }) => {
    const text = `[Message from session ${from}]\n${message}`;
    const turn = { sessionKey, message: text, deliver: false, idempotencyKey: randomUUID() };
    const { runId } = await outside(() => subagent.run(turn));
    if (timeoutMs <= 0) return { runId };
    const { status, error } = await subagent.waitForRun({ runId, timeoutMs });
    if (status === "error") throw new Error(error ?? `the turn of ${sessionKey} failed`);
    if (status !== "ok") return { runId };
    const { messages } = await subagent.getSessionMessages({ sessionKey, limit: LAST_FEW });
    const reply = lastAnswer(messages);
    return reply === undefined ? { runId } : { runId, reply };
  };
}

function lastAnswer(messages: readonly unknown[]): string | undefined {
  type Said = { role?: string; content?: string | { type?: string; text?: string }[] };
  const { content } = (messages as Said[]).findLast(({ role }) => role === "assistant") ?? {};
  if (typeof content === "string") return content;
  const text = content?.map((block) => (block.type === "text" ? (block.text ?? "") : "")).join("");
  return text === "" ? undefined : text;
}

const LAST_FEW = 5;
