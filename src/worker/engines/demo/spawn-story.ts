/** What became of the main agent's spawns, told from its message list alone. */

import type { Message } from "@earendil-works/pi-ai";
import { contentText } from "@earendil-works/pi-ai/utils/text";

import { completionBlocks, type CompletionBlock } from "./completion-blocks.ts";
import { callsOf, endsTurn } from "./conversation.ts";

export type Child = {
  label: string;
  callId: string;
  /** Known of an accepted one. */
  runId?: string;
  state: "accepted" | "refused" | "settled";
  /** Why it was refused, or why it failed. */
  reason: string;
  /** Outcome and text of a settled one. */
  status: string;
  text: string;
};

export type SpawnStory = {
  /** The person's task. */
  task: string;
  children: Child[];
  /** Settled since the main agent last ended a turn. */
  fresh: Child[];
  /** The final answer to the task was given. */
  answered: boolean;
};

/** The story since the last task: a user message without completions opens a new one once the one before is answered. */
export function followSpawns(messages: readonly Message[]): SpawnStory {
  let story: SpawnStory | undefined;
  for (const message of messages) {
    if (message.role === "user") {
      const text = contentText(message.content);
      const blocks = completionBlocks(text);
      if (story === undefined || (story.answered && blocks.length === 0)) story = newStory(text.trim());
      else for (const block of blocks) settle(story, block);
    } else if (message.role === "toolResult") {
      const child = story?.children.find(({ callId }) => callId === message.toolCallId);
      if (child) Object.assign(child, verdictOf(contentText(message.content)));
    } else if (message.role === "assistant" && story !== undefined) {
      story.children.push(...spawnsIn(message));
      if (endsTurn(message)) endTurn(story);
    }
  }
  return story ?? newStory("");
}

function newStory(task: string): SpawnStory {
  return { task, children: [], fresh: [], answered: false };
}

/** The first completion of a child counts; it is delivered at least once, so it may come again. */
function settle(story: SpawnStory, block: CompletionBlock): void {
  const child = story.children.find((candidate) => candidate.state !== "settled" && isOf(block, candidate));
  if (!child) return;
  const { status, text, reason = "" } = block;
  Object.assign(child, { state: "settled", status, text, reason });
  story.fresh.push(child);
}

function isOf(block: CompletionBlock, child: Child): boolean {
  if (block.run !== undefined && child.runId !== undefined) return block.run === child.runId;
  return block.label === child.label;
}

function verdictOf(text: string): Partial<Child> {
  const result = parseObject(text);
  if (result?.status === "accepted") {
    return { state: "accepted", runId: typeof result.runId === "string" ? result.runId : undefined };
  }
  const reason = typeof result?.error === "string" ? result.error : text.slice(0, REASON_CHARS).trim();
  return { state: "refused", reason: reason === "" ? "no reason was given." : reason };
}

function spawnsIn(message: Extract<Message, { role: "assistant" }>): Child[] {
  return callsOf(message)
    .filter(({ name }) => name === "sessions_spawn")
    .map(({ id, arguments: args }) => ({
      label: typeof args.label === "string" ? args.label : "",
      callId: id,
      state: "refused",
      reason: "no result came back.",
      status: "",
      text: "",
    }));
}

function endTurn(story: SpawnStory): void {
  story.fresh = [];
  story.answered = story.children.length > 0 && story.children.every(({ state }) => state !== "accepted");
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

const REASON_CHARS = 300;
