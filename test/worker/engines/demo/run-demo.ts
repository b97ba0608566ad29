/** Drives the demo model through the real agent loop. */

import { runAgentLoop, type AgentEvent, type AgentMessage, type AgentTool } from "@earendil-works/pi-agent-core";
import type { Api, AssistantMessage, Message, Model } from "@earendil-works/pi-ai";
import { contentText } from "@earendil-works/pi-ai/utils/text";

import { streamDemo } from "../../../../src/worker/engines/demo/demo-model.ts";
import { JOBS, taskText } from "../../../../src/worker/engines/demo/jobs.ts";
import { fsTools, type Alter } from "./fs-tools.ts";

export const DEMO_MODEL: Model<Api> = {
  id: "demo",
  name: "Demo",
  api: "demo",
  provider: "demo",
  baseUrl: "",
  reasoning: false,
  input: ["text"],
  cost: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 },
  contextWindow: 200_000,
  maxTokens: 8_192,
};

export type Told = {
  messages: Message[];
  answer: string;
  last: AssistantMessage;
  calls: string[];
  events: AgentEvent[];
};

/** One turn: `prompt` after `before`, to the model's last word. */
export async function turn(
  prompt: string,
  tools: AgentTool[],
  before: Message[] = [],
  signal?: AbortSignal,
): Promise<Told> {
  const events: AgentEvent[] = [];
  const prompts: AgentMessage[] = [{ role: "user", content: prompt, timestamp: Date.now() }];
  const config = { model: DEMO_MODEL, convertToLlm: (messages: AgentMessage[]) => messages as Message[] };
  const said = await runAgentLoop(
    prompts,
    { messages: before, tools },
    config,
    (event) => void events.push(event),
    signal,
    streamDemo,
  );
  const last = said.findLast((message) => message.role === "assistant");
  if (last === undefined) throw new Error("the model said nothing");
  const calls = said.flatMap((message) =>
    message.role === "assistant"
      ? message.content.flatMap((block) => (block.type === "toolCall" ? [block.name] : []))
      : [],
  );
  return { messages: [...before, ...(said as Message[])], answer: contentText(last.content), last, calls, events };
}

/** One of the three jobs, as a child would be given it. */
export async function job(label: string, root: string, alter?: Alter): Promise<Told> {
  const found = JOBS.find((candidate) => candidate.label === label);
  if (!found) throw new Error(`no job ${label}`);
  return turn(asChild(taskText(found, 'Explain "this" repository')), fsTools(root, alter));
}

export function asChild(task: string): string {
  return `You are a subagent at depth 1 of at most 2.\n\n[Subagent Task]\n${task}`;
}
