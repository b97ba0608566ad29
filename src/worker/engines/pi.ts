/** The engine `pi`: pi-agent-core's loop over the transcript, our tools and a provider's stream. */

import {
  runAgentLoopContinue,
  type AgentEvent,
  type AgentMessage,
  type AgentTool,
} from "@earendil-works/pi-agent-core";
import type { AssistantMessage, Message, Tool } from "@earendil-works/pi-ai";
import type { EngineResult, EngineTask } from "../../channel/protocol.ts";
import { causeOf, InprocessError, type Cause } from "../../errors.ts";
import { noUsage } from "../../usage.ts";
import type { Engine, EngineLink, EngineTool, TranscriptMessage } from "../engine.ts";
import { createModelStream, toPiModel } from "./model-stream.ts";
import { addCall, textOf } from "./pi-messages.ts";

export const piEngine: Engine = {
  async run(task, link, signal) {
    const last = link.transcript.messages.at(-1);
    // The thread was lost between the last word and its report: nothing is left to do.
    if (last?.role === "assistant") return answered(last as unknown as AssistantMessage);
    const turn = new Turn(task, link);
    try {
      await turn.run(signal);
    } catch (error) {
      return turn.result(signal, causeOf(error, "engine_failed"));
    }
    return turn.result(signal);
  },
};

/** One pass through the loop, and what has come of it so far. */
class Turn {
  readonly #task: EngineTask;
  readonly #link: EngineLink;
  readonly #usage = noUsage();
  readonly #toolStarts = new Map<string, number>();
  #last: AssistantMessage | undefined;
  #text = "";
  /** A call has ended the turn: those beside it still return, the model isn't called again. */
  #endsTurn = false;
  /** A model call wasn't allowed any more: what the loop takes for an answer is none. */
  #refused = false;

  constructor(task: EngineTask, link: EngineLink) {
    this.#task = task;
    this.#link = link;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { thinking } = this.#task;
    const tools = this.#link.tools.map((tool) => this.#agentTool(tool));
    const messages = [
      systemMessage(this.#link.systemPrompt, tools),
      ...this.#link.transcript.messages,
    ] as AgentMessage[];
    const stream = createModelStream(this.#task, this.#link, () => this.#askFirst());
    await runAgentLoopContinue(
      { messages, tools },
      {
        model: toPiModel(this.#task.model),
        sessionId: this.#task.sessionId,
        ...(thinking === undefined || thinking === "off" ? {} : { reasoning: thinking }),
        convertToLlm: (said) => said as Message[],
        finishTurn: async () => (this.#endsTurn ? { action: "end" } : undefined),
        getSteeringMessages: async () => this.#link.takeSteering().map(userMessage),
      },
      (event) => this.#heard(event),
      signal,
      stream,
    );
  }

  async #askFirst(): Promise<{ tokens?: number }> {
    try {
      return await this.#link.modelCall({ ...this.#usage });
    } catch (error) {
      this.#refused = true;
      throw error;
    }
  }

  result(signal: AbortSignal, thrown?: Cause): EngineResult {
    const base = { text: this.#text, usage: this.#usage, ...(this.#last ? { model: modelRef(this.#last) } : {}) };
    if (signal.aborted) return { ...base, status: "aborted", cause: causeOf(signal.reason, "run_killed") };
    if (thrown !== undefined) return { ...base, status: "error", cause: thrown };
    if (this.#last?.stopReason === "error" || this.#last?.stopReason === "aborted") {
      return { ...base, status: "error", cause: modelFailure(this.#last) };
    }
    return { ...base, status: "ok", ...yieldedIn(this.#last) };
  }

  async #heard(event: AgentEvent): Promise<void> {
    const { emit } = this.#link;
    switch (event.type) {
      case "message_update": {
        const update = event.assistantMessageEvent;
        if (update.type === "text_delta") emit({ type: "text", text: update.delta });
        if (update.type === "thinking_delta") emit({ type: "thinking", text: update.delta });
        return;
      }
      case "message_end":
        return this.#said(event.message);
      case "tool_execution_start":
        this.#toolStarts.set(event.toolCallId, performance.now());
        return emit({
          type: "tool_start",
          toolCallId: event.toolCallId,
          tool: event.toolName,
          detail: this.#link.tools.find((tool) => tool.name === event.toolName)?.describe(event.args) ?? "",
        });
      case "tool_execution_end": {
        const { toolCallId } = event;
        const ms = Math.round(performance.now() - (this.#toolStarts.get(toolCallId) ?? performance.now()));
        this.#toolStarts.delete(toolCallId);
        this.#usage.toolCalls += 1;
        return emit({ type: "tool_end", toolCallId, tool: event.toolName, isError: event.isError, ms });
      }
      default:
        return;
    }
  }

  async #said(message: AgentMessage): Promise<void> {
    // The system prompt is made anew for each turn; it has no place in the transcript.
    if (message.role === "system" || (this.#refused && message.role === "assistant")) return;
    if (message.role === "assistant") {
      this.#last = message;
      this.#text = textOf(message) || this.#text;
      addCall(this.#usage, message.usage);
      this.#link.emit({ type: "usage", usage: { ...this.#usage }, model: modelRef(message) });
    }
    await this.#link.transcript.append(message as unknown as TranscriptMessage);
  }

  #agentTool(tool: EngineTool): AgentTool {
    return {
      name: tool.name,
      label: tool.label,
      description: tool.description,
      parameters: tool.parameters,
      executionMode: tool.changesThings === true ? "sequential" : "parallel",
      execute: async (toolCallId, args, signal) => {
        const output = await tool.execute(toolCallId, args as Record<string, unknown>, signal ?? NEVER);
        // The loop knows a failed call by its rejection only.
        if (output.isError === true) throw new Error(output.content.map((block) => block.text).join("\n"));
        // The loop's own `terminate` counts only when every call of an answer asks for it.
        if (output.endsTurn === true) this.#endsTurn = true;
        const { content, details } = output;
        return { content, details };
      },
    };
  }
}

function systemMessage(content: string, tools: Tool[]): Message {
  const toolsAdded = tools.map(({ name, description, parameters }) => ({ name, description, parameters }));
  return { role: "system", content, timestamp: Date.now(), ...(toolsAdded.length > 0 ? { toolsAdded } : {}) };
}

function userMessage(text: string): AgentMessage {
  return { role: "user", content: [{ type: "text", text }], timestamp: Date.now() };
}

function answered(message: AssistantMessage): EngineResult {
  const base = { text: textOf(message), usage: noUsage(), model: modelRef(message) };
  if (message.stopReason === "error" || message.stopReason === "aborted") {
    return { ...base, status: "error", cause: modelFailure(message) };
  }
  return { ...base, status: "ok" };
}

/** A turn that ends well ends with an answer, or with a call that ends it. */
function yieldedIn(last: AssistantMessage | undefined): Pick<EngineResult, "yielded"> {
  return last?.content.some(({ type }) => type === "toolCall") === true ? { yielded: true } : {};
}

function modelFailure(message: AssistantMessage): Cause {
  const said = message.errorMessage ?? "the answer ended without a reason";
  const timedOut = message.rawStopReason === "idle_timeout";
  const { code, message: sentence } = new InprocessError(
    timedOut ? "model_timeout" : "model_error",
    `The model ${message.provider}/${message.model} failed: ${said}`,
  );
  return { code, message: sentence };
}

function modelRef(message: AssistantMessage): string {
  return `${message.provider}/${message.responseModel ?? message.model}`;
}

const NEVER = new AbortController().signal;
