/** What a child has said and used, read from its messages. */

import type { Cause } from "../errors.ts";
import type { Usage } from "../types.ts";
import { noUsage } from "../usage.ts";
import { messagesOf, wholeMessagesOf } from "./gateway-calls.ts";
import type { GatewayMessage } from "./gateway-frames.ts";
import type { GatewayParts } from "./gateway-run.ts";
import { shownSaid } from "./gateway-said.ts";

export type GatewayResult = {
  text: string;
  usage: Usage;
  answeredBy: string | undefined;
  /** Why the turn has no answer: the model failed, it was stopped, or it never came to say anything. */
  failure: Cause | undefined;
};

/** What a session's last turn came to. @throws InprocessError of the connection */
export async function resultOf(
  { link, secrets }: Pick<GatewayParts, "link" | "secrets">,
  sessionKey: string,
): Promise<GatewayResult> {
  const shown = await messagesOf(link, sessionKey, MESSAGES);
  if (lastTurn(shown).length > 0) return resultIn(shown, secrets());
  // A chat window isn't shown an answer that says nothing but NO_REPLY; whether there was one is for the transcript to say.
  const whole = (await wholeMessagesOf(link, sessionKey, MESSAGES)) ?? [];
  return resultIn(lastTurn(whole).length > 0 ? whole : shown, secrets());
}

/** Of the last turn, the one that began with the newest message to the child; text of an earlier one when it said nothing. */
function resultIn(messages: readonly GatewayMessage[], secrets: readonly string[]): GatewayResult {
  const turn = lastTurn(messages);
  const said = (list: readonly GatewayMessage[]): string | undefined =>
    list.map(visibleText).findLast((text) => text !== "");
  const last = turn.findLast(({ provider, model }) => provider !== undefined && model !== undefined);
  return {
    text: said(turn) ?? said(messages.filter(({ role }) => role === "assistant")) ?? "",
    usage: turn.reduce(addMessage, noUsage()),
    answeredBy: last === undefined ? undefined : `${last.provider}/${last.model}`,
    failure: failureOf(turn.at(-1), secrets),
  };
}

/** The newest message to the child, as the gateway has it. */
export function saidTo(messages: readonly GatewayMessage[]): string | undefined {
  const message = messages.findLast(({ role }) => role === "user");
  return message === undefined ? undefined : visibleText(message);
}

function lastTurn(messages: readonly GatewayMessage[]): GatewayMessage[] {
  const opened = messages.findLastIndex(({ role }) => role === "user");
  return messages.slice(opened + 1).filter(({ role }) => role === "assistant");
}

function failureOf(last: GatewayMessage | undefined, secrets: readonly string[]): Cause | undefined {
  // A turn that came to its end has a message, be it empty; none is left of one whose session was deleted.
  if (last === undefined) return UNANSWERED;
  if (last.stopReason === "aborted") return { code: "run_interrupted", message: "The run was stopped in the gateway." };
  if (last.stopReason !== "error") return undefined;
  const said =
    typeof last["errorMessage"] === "string" ? shownSaid(last["errorMessage"], secrets) : "it gave no reason";
  return { code: "model_error", message: `The model of the run failed: ${said}` };
}

function visibleText({ content }: GatewayMessage): string {
  if (typeof content === "string") return content.trim();
  return blocks(content)
    .flatMap(({ type, text }) => (type === "text" && typeof text === "string" ? [text] : []))
    .join("\n")
    .trim();
}

function addMessage(sum: Usage, { usage, content }: GatewayMessage): Usage {
  const { input = 0, output = 0, cacheRead = 0, cacheWrite = 0, totalTokens = 0, cost } = usage ?? {};
  return {
    input: sum.input + input,
    output: sum.output + output,
    cacheRead: sum.cacheRead + cacheRead,
    cacheWrite: sum.cacheWrite + cacheWrite,
    totalTokens: sum.totalTokens + totalTokens,
    costUsd: sum.costUsd + (cost?.total ?? 0),
    turns: sum.turns + 1,
    toolCalls: sum.toolCalls + blocks(content).filter(({ type }) => type === "toolCall").length,
  };
}

function blocks(content: unknown): { type?: unknown; text?: unknown }[] {
  if (!Array.isArray(content)) return [];
  return content.filter((block): block is object => typeof block === "object" && block !== null);
}

const UNANSWERED: Cause = { code: "run_interrupted", message: "The run left no answer in its session." };
/** As many as `chat.history` gives. */
const MESSAGES = 1000;
