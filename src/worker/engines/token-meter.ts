/**
 * Watches how many tokens an answer takes while it streams. Most servers tell only when it is over, so what has come is
 * taken for a token each four characters, and for what the server tells when that is more.
 */

import type { AssistantMessage, AssistantMessageEvent } from "@earendil-works/pi-ai";
import type { EngineLink } from "../engine.ts";

export class TokenMeter {
  readonly #allowed: number | undefined;
  readonly #link: Pick<EngineLink, "stop">;
  #chars = 0;
  #cut = false;

  /** @param allowed tokens of a call, prompt and answer; undefined = any number */
  constructor(allowed: number | undefined, link: Pick<EngineLink, "stop">) {
    this.#allowed = allowed;
    this.#link = link;
  }

  /** Stops the turn when the answer has taken more than it may, and more of it is coming. */
  saw(event: AssistantMessageEvent): void {
    if (this.#allowed === undefined || this.#cut || !("delta" in event)) return;
    this.#chars += event.delta.length;
    const { input, cacheRead, cacheWrite, output } = event.partial.usage;
    const taken = input + cacheRead + cacheWrite + Math.max(output, this.#estimate);
    if (taken < this.#allowed) return;
    this.#cut = true;
    this.#link.stop({ code: "budget", message: "The answer was stopped: twice its budget of tokens was used." });
  }

  /** An answer that was cut off has cost what came of it, though its server never told. */
  complete({ usage }: AssistantMessage): void {
    if (!this.#cut) return;
    const untold = Math.max(0, this.#estimate - usage.output);
    usage.output += untold;
    usage.totalTokens += untold;
  }

  get #estimate(): number {
    return Math.ceil(this.#chars / CHARS_PER_TOKEN);
  }
}

const CHARS_PER_TOKEN = 4;
