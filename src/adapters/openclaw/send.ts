/** A message to another session of the gateway, dispatched inside the process: no socket, no pairing. */

import { randomUUID } from "node:crypto";
import { InprocessError } from "../../errors.ts";
import type { Host } from "../../host.ts";
import type { HostConfig, HostRuntime } from "./api.ts";
import type { OpenClawPackage } from "./openclaw-package.ts";
import { outOfReach } from "./session-visibility.ts";

export function sendInTurn(
  { subagent }: HostRuntime,
  raw: () => HostConfig,
  openclaw: Pick<OpenClawPackage, "sessionsInFiles">,
): NonNullable<Host["sendTo"]> {
  return async (sessionKey, message, { from, timeoutMs, step = "message" }) => {
    const refusal = outOfReach(raw(), from, sessionKey, openclaw);
    if (refusal !== undefined) throw new InprocessError("not_yours", refusal);
    const text = step === "announce" ? message : `[Message from session ${from}]\n${message}`;
    const turn = { sessionKey, message: text, deliver: false, idempotencyKey: randomUUID() };
    const { runId } = await subagent.run(turn);
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
