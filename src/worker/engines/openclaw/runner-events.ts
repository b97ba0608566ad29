/** What the runner tells while it works, as events of ours. */

import type { EngineLink } from "../../engine.ts";
import { takeDetail } from "./tool-arguments.ts";

export class RunnerEvents {
  /** Of the answer being given: what stands visibly so far. */
  text = "";
  /** What the runner says of a failed answer. */
  error: string | undefined;
  toolCalls = 0;
  /** When the attempt began, by the clock transcripts go by. */
  readonly since = Date.now();
  readonly #link: EngineLink;
  readonly #model: string;
  readonly #starts = new Map<string, number>();
  readonly #onToolEnd: () => void;
  #closed = false;

  /** @param onToolEnd a tool call is over: the runner is about to call its model again */
  constructor(link: EngineLink, model: string, onToolEnd: () => void = () => undefined) {
    this.#link = link;
    this.#model = model;
    this.#onToolEnd = onToolEnd;
  }

  /** Handed to the runner; never throws. */
  readonly heard = (event: { stream?: unknown; data?: unknown }): void => {
    const data = (event.data ?? {}) as RunnerData;
    if (this.#closed) return;
    if (event.stream === "assistant") return this.#said(data);
    if (event.stream === "tool") return this.#tool(data);
    if (event.stream === "lifecycle") {
      if (data.phase === "start") this.#link.emit({ type: "model_request", model: this.#model });
      if (data.phase === "error" && typeof data.error === "string") this.error = data.error;
    }
  };

  /** Late words of a run that is over are nobody's. */
  close(): void {
    this.#closed = true;
  }

  #said({ text, delta }: RunnerData): void {
    if (typeof text === "string") this.text = text;
    if (typeof delta === "string" && delta !== "") this.#link.emit({ type: "text", text: delta });
  }

  #tool({ phase, name, toolCallId, isError }: RunnerData): void {
    if (typeof name !== "string" || typeof toolCallId !== "string") return;
    if (phase === "start") {
      this.#starts.set(toolCallId, performance.now());
      this.#link.emit({ type: "tool_start", toolCallId, tool: name, detail: takeDetail(toolCallId) });
    }
    if (phase === "result") {
      const ms = Math.round(performance.now() - (this.#starts.get(toolCallId) ?? performance.now()));
      this.#starts.delete(toolCallId);
      this.toolCalls += 1;
      this.#link.emit({ type: "tool_end", toolCallId, tool: name, isError: isError === true, ms });
      this.#onToolEnd();
    }
  }
}

type RunnerData = {
  phase?: unknown;
  text?: unknown;
  delta?: unknown;
  error?: unknown;
  name?: unknown;
  toolCallId?: unknown;
  isError?: unknown;
};
