/** What a turn left in the transcript that the runner keeps: its last words, who answered, what it used. */

import { readFileSync } from "node:fs";
import { parseTranscript, type StoredMessage } from "../../../sessions/transcript-format.ts";
import type { Usage } from "../../../types.ts";
import { noUsage } from "../../../usage.ts";

export type TurnTrace = {
  /** The last visible assistant text. */
  text: string;
  usage: Usage;
  /** It ended with a call: the turn was ended by a tool, and waits for something. */
  yielded?: true;
  /** `provider/id` of the last answer. */
  model?: string;
};

/** @param since milliseconds since the epoch; earlier messages are of other turns */
export function turnSince(transcriptPath: string, since: number): TurnTrace {
  const answers = messagesOf(transcriptPath).filter(
    (message) => message.role === "assistant" && message.timestamp >= since,
  ) as Answer[];
  const last = answers.findLast(({ provider, model }) => provider !== undefined && model !== undefined);
  return {
    text: answers.map(visibleText).findLast((text) => text !== "") ?? "",
    usage: answers.reduce(withAnswer, noUsage()),
    ...(endsInCall(answers.at(-1)) ? { yielded: true } : {}),
    ...(last === undefined ? {} : { model: `${last.provider}/${last.model}` }),
  };
}

function messagesOf(path: string): StoredMessage[] {
  try {
    return parseTranscript(readFileSync(path, "utf8")).messages;
  } catch {
    return [];
  }
}

function visibleText({ content }: Answer): string {
  if (!Array.isArray(content)) return "";
  return content
    .flatMap((block) => (block.type === "text" && typeof block.text === "string" ? [block.text] : []))
    .join("\n")
    .trim();
}

function endsInCall(last: Answer | undefined): boolean {
  return Array.isArray(last?.content) && last.content.some(({ type }) => type === "toolCall");
}

function withAnswer(sum: Usage, { usage = {} }: Answer): Usage {
  const { input = 0, output = 0, cacheRead = 0, cacheWrite = 0, totalTokens, cost } = usage;
  return {
    ...sum,
    input: sum.input + input,
    output: sum.output + output,
    cacheRead: sum.cacheRead + cacheRead,
    cacheWrite: sum.cacheWrite + cacheWrite,
    totalTokens: sum.totalTokens + (totalTokens ?? input + output + cacheRead + cacheWrite),
    costUsd: sum.costUsd + (cost?.total ?? 0),
    turns: sum.turns + 1,
  };
}

type Answer = StoredMessage & {
  provider?: string;
  model?: string;
  content?: { type?: string; text?: unknown }[];
  usage?: {
    input?: number;
    output?: number;
    cacheRead?: number;
    cacheWrite?: number;
    totalTokens?: number;
    cost?: { total?: number };
  };
};
