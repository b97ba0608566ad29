/**
 * Watches how many tokens an answer takes while it streams. Most servers tell only when it is over, so what has come is
 * taken for a token each four characters, and for what the server tells when that is more; some never tell. Its prompt
 * isn't guessed.
 */

import type { AssistantMessage, AssistantMessageEvent } from "@earendil-works/pi-ai";
import type { ResolvedModel } from "../../types.ts";
import { told } from "../../usage.ts";

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
    const prompt = told(input) + told(cacheRead) + told(cacheWrite);
    const taken = Math.min(Math.ceil(prompt + Math.max(told(output), this.#estimate)), Number.MAX_SAFE_INTEGER);
    if (taken - this.#told < this.#step) return;
    this.#told = taken;
    this.#tell(taken);
  }

  /**
   * Writes into an answer's usage what its server hasn't told: an answer that was cut off has cost what came of it, and
   * so has a whole one whose server tells nothing, or nonsense. What a server tells of a whole one stands.
   */
  complete({ usage, stopReason }: AssistantMessage, { cost }: Pick<ResolvedModel, "cost">): void {
    for (const key of ["input", "output", "cacheRead", "cacheWrite", "totalTokens"] as const) {
      usage[key] = told(usage[key]);
    }
    for (const key of ["input", "output", "cacheRead", "cacheWrite", "total"] as const) {
      usage.cost[key] = told(usage.cost[key]);
    }
    const isWhole = stopReason !== "error" && stopReason !== "aborted";
    const untold = isWhole && usage.output > 0 ? 0 : Math.max(0, this.#estimate - usage.output);
    const usd = (untold * (cost?.output ?? 0)) / 1_000_000;
    usage.output += untold;
    usage.totalTokens = Math.max(
      usage.totalTokens + untold,
      usage.input + usage.cacheRead + usage.cacheWrite + usage.output,
    );
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
