/**
 * Watches how many tokens an answer takes while it streams. Most servers tell only when it is over, so what has come is
 * taken for a token each four characters, and for what the server tells when that is more. Its prompt isn't guessed.
 */

import type { AssistantMessage, AssistantMessageEvent } from "@earendil-works/pi-ai";
import type { ResolvedModel } from "../../types.ts";

export class TokenMeter {
  readonly #step: number;
  readonly #tell: (tokens: number) => void;
  #chars = 0;
  #told = 0;

  /** @param room tokens until a budget is used twice @param tell what the answer has taken so far, every now and then */
  constructor(room: number, tell: (tokens: number) => void) {
    this.#step = Math.max(1, Math.min(STEP_TOKENS, Math.floor(room / STEPS)));
    this.#tell = tell;
  }

  saw(event: AssistantMessageEvent): void {
    if (!("delta" in event)) return;
    this.#chars += event.delta.length;
    const { input, cacheRead, cacheWrite, output } = event.partial.usage;
    const taken = Math.ceil(input + cacheRead + cacheWrite + Math.max(output, this.#estimate));
    // A server may tell nonsense.
    if (!(taken - this.#told >= this.#step)) return;
    this.#told = taken;
    this.#tell(taken);
  }

  /** An answer that was cut off has cost what came of it, though its server never told. */
  complete({ usage }: AssistantMessage, { cost }: Pick<ResolvedModel, "cost">): void {
    const untold = Math.max(0, this.#estimate - usage.output);
    const usd = (untold * (cost?.output ?? 0)) / 1_000_000;
    usage.output += untold;
    usage.totalTokens += untold;
    usage.cost.output += usd;
    usage.cost.total += usd;
  }

  get #estimate(): number {
    return Math.ceil(this.#chars / CHARS_PER_TOKEN);
  }
}

const CHARS_PER_TOKEN = 4;
/** A message to the host for each: ten seconds of an answer, or less. */
const STEP_TOKENS = 500;
/** At least so many on the way to twice a budget. */
const STEPS = 16;
