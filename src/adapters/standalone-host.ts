/**
 * A gateway of one session, for the command line: a main agent at depth 0 whose turns run on the same engine as its
 * children's, in a thread of its own. A child that settles after a turn starts the next one, as in a gateway.
 */

import { readFile } from "node:fs/promises";
import { announcement, NOTHING_TO_TELL } from "../announce/completion-text.ts";
import type { EngineResult } from "../channel/protocol.ts";
import type { Config } from "../config.ts";
import type { Cause } from "../errors.ts";
import type { RunEvent } from "../events.ts";
import type { Host } from "../host.ts";
import { createLogger, type Logger } from "../log.ts";
import { EventHub } from "../runtime/event-hub.ts";
import type { SubagentRuntime } from "../runtime/runtime.ts";
import type { Completion, Usage } from "../types.ts";
import { willTell } from "../tools/run-row.ts";
import { createSubagentRuntime } from "./embed.ts";
import { MainSession } from "./main-session.ts";

export type StandaloneOptions = {
  config: Config;
  workspaceDir: string;
  stateDir: string;
  resolveModel: Host["resolveModel"];
  /** For the main session. @default the agent's own */
  model?: string;
  logger?: Logger;
};

export type StandaloneResult = {
  status: "ok" | "error" | "interrupted";
  text: string;
  cause?: Cause;
  usage: Usage;
  /** The model that answered last, `provider/id`. */
  model?: string;
  runId: string;
};

export interface Standalone {
  readonly runtime: SubagentRuntime;
  readonly mainSessionKey: string;
  /** Path of the main session's transcript. */
  readonly mainTranscript: string;
  /** One task: turns of the main agent until it has answered and no child is unsettled or undelivered. */
  run(task: string): Promise<StandaloneResult>;
  /** Events of the main session (as run `main`) and of every run below it, from now on. */
  events(options?: { text?: boolean }): AsyncIterable<RunEvent>;
  /** Ends the main turn, all children, threads and tool processes; `run` then resolves as interrupted. */
  interrupt(): Promise<{ interrupted: { runId: string; label?: string; task: string }[] }>;
  close(): Promise<void>;
}

/** @throws what `createSubagentRuntime` and `resolveModel` throw; nothing is left running then */
export async function createStandalone(options: StandaloneOptions): Promise<Standalone> {
  const logger = options.logger ?? createLogger();
  const agentId = options.config.agents.defaultAgentId;
  // Before anything is made: an unusable model leaves no state behind.
  const model = await options.resolveModel(options.model, agentId);
  const standalone = new StandaloneGateway(options, logger);
  await standalone.start(agentId, model);
  return standalone;
}

class StandaloneGateway implements Standalone {
  runtime!: SubagentRuntime;
  readonly #options: StandaloneOptions;
  readonly #logger: Logger;
  readonly #hub = new EventHub();
  #main!: MainSession;
  /** Completions for the main session's next turn. */
  #inbox: Completion[] = [];
  /** How many children there were when the main agent was last told that none has a result for it. */
  #childrenInVain = 0;
  #wake: (() => void) | undefined;
  #interrupted = false;
  #ended = false;
  /** When the main session last began or ended a turn: milliseconds since the epoch. */
  #activeAt = Date.now();

  constructor(options: StandaloneOptions, logger: Logger) {
    this.#options = options;
    this.#logger = logger;
  }

  get mainSessionKey(): string {
    return this.#main.sessionKey;
  }

  get mainTranscript(): string {
    return this.#main.transcriptPath;
  }

  async start(agentId: string, model: Awaited<ReturnType<Host["resolveModel"]>>): Promise<void> {
    const { config, workspaceDir, stateDir, resolveModel } = this.#options;
    this.#main = new MainSession({
      config,
      agentId,
      model,
      workspaceDir,
      stateDir,
      resolveModel,
      logger: this.#logger,
      publish: (event) => this.#hub.publish(event, this.#main.sessionKey),
      wantsText: () => this.#hub.wantsText("main", this.#main.sessionKey),
    });
    try {
      this.runtime = await createSubagentRuntime({ config, stateDir, logger: this.#logger, host: this.#host() });
    } catch (error) {
      await this.#main.close();
      throw error;
    }
  }

  async run(task: string): Promise<StandaloneResult> {
    let end = await this.#main.turn(this.runtime, task);
    while (end.status === "ok" && !this.#interrupted) {
      this.runtime.deliverPending(this.mainSessionKey);
      const completions = await this.#nextCompletions();
      const prompt = completions === undefined ? await this.#inVain(end) : await this.#told(completions);
      if (prompt === undefined) break;
      this.#activeAt = Date.now();
      end = await this.#main.turn(this.runtime, prompt, "next_turn");
    }
    this.#activeAt = Date.now();
    this.#ended = true;
    const { usage, answeredBy, text } = this.#main;
    return {
      status: this.#interrupted ? "interrupted" : end.status === "ok" ? "ok" : "error",
      text,
      usage,
      runId: "main",
      ...(end.cause === undefined ? {} : { cause: end.cause }),
      ...(answeredBy === undefined ? {} : { model: answeredBy }),
    };
  }

  async *events(options: { text?: boolean } = {}): AsyncGenerator<RunEvent> {
    const own = this.#hub.subscribe(options);
    const below = this.runtime.events({ ...options, rootSessionKey: this.mainSessionKey });
    const merged = new EventHub();
    const out = merged.subscribe({ text: true });
    const pump = async (source: AsyncIterable<RunEvent>): Promise<void> => {
      for await (const event of source) merged.publish(event, this.mainSessionKey);
    };
    this.#main.watch(options.text === true);
    void Promise.all([pump(own), pump(below)]).finally(() => merged.close());
    yield* out;
  }

  async interrupt(): Promise<{ interrupted: { runId: string; label?: string; task: string }[] }> {
    this.#interrupted = true;
    this.#ended = true;
    const unsettled = await this.#unsettled();
    this.#main.abort({ code: "run_interrupted", message: "The run was interrupted." });
    this.#wake?.();
    await this.close();
    return {
      interrupted: unsettled.map(({ runId, label, task }) => ({
        runId,
        task,
        ...(label === undefined ? {} : { label }),
      })),
    };
  }

  async close(): Promise<void> {
    await Promise.all([this.runtime.close(), this.#main.close()]);
    this.#hub.close();
  }

  #host(): Host {
    const { workspaceDir, config, resolveModel } = this.#options;
    return {
      resolveModel,
      workspaceDir: (agentId) => config.agents.list[agentId]?.workspace ?? workspaceDir,
      deliver: async (completions) => {
        if (completions[0]?.requesterSessionKey !== this.mainSessionKey) return "gone";
        // Once the session has ended nobody would see it: it stays owed, to be read by run id.
        if (this.#ended || this.#main.busy || this.#inbox.length > 0) return "busy";
        this.#inbox = completions;
        this.#wake?.();
        return "delivered";
      },
      listSessions: async ({ agentId, limit = 1 }) => {
        const { sessionKey, requester, usage } = this.#main;
        if (limit < 1 || (agentId !== undefined && agentId !== requester.agentId)) return [];
        return [{ sessionKey, agentId: requester.agentId, updatedAt: this.#activeAt, usage }];
      },
      alreadyDelivered: async (_requester, keys) => {
        const said = await readFile(this.mainTranscript, "utf8").catch(() => "");
        return keys.filter((key) => said.includes(key));
      },
    };
  }

  async #told(completions: Completion[]): Promise<string> {
    return announcement(completions, (await this.#unsettled()).filter(willTell).length);
  }

  /** It yielded for what won't come: told so once, and again only when it has started other children since. */
  async #inVain({ yielded }: EngineResult): Promise<string | undefined> {
    const children = (await this.#children()).length;
    if (yielded !== true || this.#interrupted || children <= this.#childrenInVain) return undefined;
    this.#childrenInVain = children;
    return NOTHING_TO_TELL;
  }

  /** What came in since the last turn; waits for children still at work; undefined when nothing can come any more. */
  async #nextCompletions(): Promise<Completion[] | undefined> {
    for (;;) {
      if (this.#interrupted) return undefined;
      if (this.#inbox.length > 0) {
        const completions = this.#inbox;
        this.#inbox = [];
        return completions;
      }
      const waiting = new Promise<void>((resolve) => (this.#wake = resolve));
      const children = await this.#children();
      if (this.#inbox.length > 0) continue;
      if (children.every((run) => run.state === "settled" && run.delivery !== "pending")) return undefined;
      this.runtime.deliverPending(this.mainSessionKey);
      const settled = this.runtime.wait(
        children.filter((run) => run.state !== "settled").map((run) => run.runId),
        this.#main.requester,
        { mode: "any", timeoutMs: LOOK_AGAIN_MS },
      );
      await Promise.race([waiting, settled.then(() => undefined)]);
      // A settled run's completion is on its way to the inbox; without one there is nothing to wait for.
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }

  async #children() {
    return this.runtime.list(this.#main.requester, { recentMinutes: 24 * 60 });
  }

  async #unsettled() {
    return (await this.#children()).filter((run) => run.state !== "settled");
  }
}

const LOOK_AGAIN_MS = 1000;
