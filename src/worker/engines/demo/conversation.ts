/** Reading a message list: who is spoken to, what is asked, what the tools have answered so far. */

import type { AssistantMessage, Message } from "@earendil-works/pi-ai";
import { contentText } from "@earendil-works/pi-ai/utils/text";
import { getCurrentTools } from "@earendil-works/pi-ai/utils/transcript";

import type { ToolReply } from "./script.ts";

export function toolNames(messages: readonly Message[]): string[] {
  return getCurrentTools(messages).map((tool) => tool.name);
}

/** Whether the session was opened as a subagent's. */
export function isSubagent(messages: readonly Message[]): boolean {
  const first = messages.find((message) => message.role === "user");
  return first !== undefined && textAfterMarker(contentText(first.content)) !== undefined;
}

/** What the present turn is about: the user message that opened it, without the subagent preamble. */
export function taskOf(messages: readonly Message[]): string {
  const opening = currentTurn(messages).find((message) => message.role === "user");
  if (opening === undefined) return "";
  const text = contentText(opening.content);
  return textAfterMarker(text) ?? text.trim();
}

/** The results of the present turn, one list for each assistant message that called tools, in the order of its calls. */
export function roundsOf(messages: readonly Message[]): ToolReply[][] {
  const turn = currentTurn(messages);
  const results = new Map<string, ToolReply>();
  for (const message of turn) {
    if (message.role !== "toolResult") continue;
    results.set(message.toolCallId, { text: contentText(message.content), isError: message.isError });
  }
  return turn
    .filter((message) => message.role === "assistant")
    .map(callsOf)
    .filter((calls) => calls.length > 0)
    .map((calls) => calls.map((call) => results.get(call.id) ?? { text: "no result came back", isError: true }));
}

/** The calls an assistant message really made; one that broke off made none. */
export function callsOf(message: AssistantMessage) {
  return brokeOff(message) ? [] : message.content.filter((block) => block.type === "toolCall");
}

export function endsTurn(message: Message): boolean {
  return message.role === "assistant" && !brokeOff(message) && callsOf(message).length === 0;
}

function currentTurn(messages: readonly Message[]): readonly Message[] {
  return messages.slice(messages.findLastIndex(endsTurn) + 1);
}

function brokeOff(message: AssistantMessage): boolean {
  return message.stopReason === "error" || message.stopReason === "aborted";
}

function textAfterMarker(text: string): string | undefined {
  const found = /^\[Subagent Task\]:?/m.exec(text.slice(0, PREAMBLE_CHARS));
  return found === null ? undefined : text.slice(found.index + found[0].length).trim();
}

/** The marker stands behind a few lines about being a subagent; further down it is somebody's text. */
const PREAMBLE_CHARS = 4_000;
