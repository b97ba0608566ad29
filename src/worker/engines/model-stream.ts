/**
 * A run's way to its model: one provider stream for each call, watched for silence, its key refreshed once on a 401,
 * the next model of the fallbacks tried when the one before fails before it has said anything. Under a budget the host is
 * asked before each call, and is told while an answer comes how much it takes.
 */

import type { StreamFn } from "@earendil-works/pi-agent-core";
import type { Api, AssistantMessage, Model } from "@earendil-works/pi-ai";
// By its own path: through pi-ai's index the bundler leaves this module's initialisation out.
import { AssistantMessageEventStream } from "@earendil-works/pi-ai/utils/event-stream";
import type { EngineTask } from "../../channel/protocol.ts";
import { messageOf } from "../../errors.ts";
import type { ResolvedModel } from "../../types.ts";
import type { EngineLink } from "../engine.ts";
import { TokenMeter } from "./token-meter.ts";
import { errorEvent, explained, isRetryable, silent, statusIn, withoutSecrets } from "./model-failures.ts";
import { streamDemo } from "./demo/demo-model.ts";
import { streamFnFor } from "./provider-apis.ts";

/** @param askFirst before each call, its fallbacks included: what it may take; rejects when it may not be made */
export function createModelStream(
  task: EngineTask,
  link: EngineLink,
  askFirst: () => Promise<{ tokens?: number }>,
): StreamFn {
  const candidates = [task.model, ...(task.model.fallbacks ?? [])];
  const refreshed = new Set<number>();
  let current = 0;

  return (_model, context, options = {}) => {
    const out = new AssistantMessageEventStream();
    void answer().catch((error: unknown) => out.push(errorEvent(candidates[current]!, messageOf(error))));
    return out;

    async function answer(): Promise<void> {
      const { tokens = Infinity } = await askFirst();
      const meter = task.counted === true ? new TokenMeter(tokens, (taken) => link.answering(taken)) : undefined;
      for (;;) {
        const model = candidates[current]!;
        link.emit({ type: "model_request", model: refOf(model) });
        link.log("debug", "model call", { model: refOf(model) });
        const failure = await forward(model, context, options, out, task, link, meter);
        if (failure === undefined) return;
        const reason = failure.errorMessage ?? "no reason given";
        link.log("warn", "a model call failed", { model: refOf(model), reason });
        const status = statusIn(reason);
        if (options.signal?.aborted) return out.push({ type: "error", reason: "aborted", error: failure });
        if (status === 401 && !refreshed.has(current)) {
          refreshed.add(current);
          candidates[current] = await link.refreshModel(model).catch(() => model);
          if (candidates[current]!.apiKey !== model.apiKey) {
            link.emit({ type: "retry", model: refOf(model), reason });
            continue;
          }
        }
        if (current + 1 < candidates.length && isRetryable(failure, status)) {
          current += 1;
          link.emit({ type: "retry", model: refOf(candidates[current]!), reason });
          continue;
        }
        return out.push({ type: "error", reason: "error", error: failure });
      }
    }
  };
}

export function toPiModel(model: ResolvedModel): Model<Api> {
  return {
    id: model.id,
    name: model.id,
    api: model.api,
    provider: model.provider,
    baseUrl: model.baseUrl,
    reasoning: model.reasoning,
    input: model.input as Model<Api>["input"],
    cost: model.cost ?? { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 },
    contextWindow: model.contextWindow,
    maxTokens: model.maxTokens,
    ...(model.headers === undefined ? {} : { headers: model.headers }),
    ...(model.compat === undefined ? {} : { compat: model.compat }),
    ...(model.thinkingLevelMap === undefined ? {} : { thinkingLevelMap: model.thinkingLevelMap }),
  };
}

/**
 * Passes one provider stream on. Returns the failed message when it failed before a word was passed on, so that the
 * caller may try another way; once something was said, a failure is passed on like everything else.
 */
async function forward(
  model: ResolvedModel,
  context: Parameters<StreamFn>[1],
  options: NonNullable<Parameters<StreamFn>[2]>,
  out: AssistantMessageEventStream,
  task: EngineTask,
  link: EngineLink,
  meter: TokenMeter | undefined,
): Promise<AssistantMessage | undefined> {
  const seconds = model.idleTimeoutSeconds ?? task.modelIdleTimeoutSeconds;
  const silence = new Silence(seconds * 1000);
  try {
    return await Promise.race([pass(), silence.ignored]);
  } catch (error) {
    const failure = withoutSecrets(explained(errorEvent(model, messageOf(error)).error, model), model);
    return silence.signal.aborted ? silent(failure, seconds) : failure;
  } finally {
    silence.stop();
  }

  async function pass(): Promise<AssistantMessage | undefined> {
    const stream = model.api === "demo" ? streamDemo : await streamFnFor(model.api);
    const events = await stream(toPiModel(model), context, {
      ...options,
      signal: options.signal ? AbortSignal.any([options.signal, silence.signal]) : silence.signal,
      maxRetries: RETRIES,
      timeoutMs: seconds * 1000,
      ...(model.apiKey === undefined ? {} : { apiKey: model.apiKey }),
      ...(model.env === undefined ? {} : { env: model.env }),
      // On the model they are sent; only here does pi-ai see that one of them carries the key.
      ...(model.headers === undefined ? {} : { headers: model.headers }),
      ...(TAKES_NO_FETCH.has(model.api) ? {} : { fetch: noticingRetries(model, link) }),
    });
    let held: Parameters<AssistantMessageEventStream["push"]>[0] | undefined;
    for await (const event of events) {
      silence.broken();
      meter?.saw(event);
      if (event.type === "done") meter?.complete(event.message, model);
      if (event.type === "error") {
        meter?.complete(event.error, model);
        const said = withoutSecrets(explained(event.error, model), model);
        const failure = silence.signal.aborted ? silent(said, seconds) : said;
        if (failure.content.length === 0) return failure;
        out.push(
          silence.signal.aborted
            ? { type: "error", reason: "error", error: failure }
            : { type: "error", reason: event.reason, error: failure },
        );
        return undefined;
      }
      // Nothing is said yet at the start, so it waits: a failure after it can still be tried another way.
      if (event.type === "start") held = event;
      else {
        if (held !== undefined) out.push(held);
        held = undefined;
        out.push(event);
      }
    }
    return undefined;
  }
}

/** Aborts a call whose server has said nothing for too long. */
class Silence {
  /** Rejects when even the abort was ignored. */
  readonly ignored: Promise<never>;
  readonly #controller = new AbortController();
  readonly #timers: NodeJS.Timeout[] = [];

  constructor(ms: number) {
    this.ignored = new Promise((_, reject) => {
      const giveUp = (): void => reject(new Error("the call did not end when it was aborted"));
      const abort = (): void => {
        this.#controller.abort();
        this.#timers.push(setTimeout(giveUp, ABORT_GRACE_MS));
      };
      this.#timers.push(setTimeout(abort, ms));
    });
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  broken(): void {
    if (!this.signal.aborted) this.#timers[0]?.refresh();
  }

  stop(): void {
    for (const timer of this.#timers) clearTimeout(timer);
  }
}

/** The provider libraries repeat a request by themselves; this tells whoever watches. */
function noticingRetries(model: ResolvedModel, link: EngineLink): typeof fetch {
  let failed = "";
  return async (input, init) => {
    if (failed !== "") link.emit({ type: "retry", model: refOf(model), reason: failed });
    const response = await fetch(input, init);
    failed = response.ok ? "" : `HTTP ${response.status}`;
    return response;
  };
}

function refOf(model: ResolvedModel): string {
  return `${model.provider}/${model.id}`;
}

const ABORT_GRACE_MS = 1000;
/** Beyond the first try; with the provider's own waiting time where it names one. */
const RETRIES = 2;
/** pi-ai's Google adapters refuse an injected fetch. */
const TAKES_NO_FETCH = new Set(["google-generative-ai", "google-vertex", "bedrock-converse-stream"]);
