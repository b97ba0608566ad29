/**
 * The gateway's subagents: sessions, and the runs in them, on this package's own threads and engine. A session has one
 * run at a time; the next waits until the one before has let go of the transcript.
 */

import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { threadEnvironment } from "../../../src/adapters/environment.ts";
import { stateLayout } from "../../../src/adapters/state-layout.ts";
import { parseConfig, type Config } from "../../../src/config.ts";
import { makeFolder } from "../../../src/make-folder.ts";
import { workerFile } from "../../../src/package-root.ts";
import { WorkerPool } from "../../../src/pool/worker-pool.ts";
import { Execution, type ExecutionEnd } from "../../../src/runtime/execution.ts";
import { Lane } from "../../../src/runtime/lane.ts";
import { parseTranscript, type StoredMessage } from "../../../src/sessions/transcript-format.ts";
import type { ResolvedModel } from "../../../src/types.ts";
import { noUsage } from "../../../src/usage.ts";
import { ChildRun, type RunEnd } from "./child-run.ts";
import { childTask } from "./child-task.ts";
import { INTERRUPTED, interruptSession, type Session, type SessionEntry } from "./session.ts";
import type { ReferenceGatewayOptions } from "./types.ts";

export type ChildrenOptions = Pick<ReferenceGatewayOptions, "model" | "subagents" | "limits"> & {
  stateDir: string;
  workspaceDir: string;
  /** A run has its thread, or is over. */
  onLifecycle(run: ChildRun, phase: "start" | "end" | "error"): void;
};

export class Children {
  readonly #options: ChildrenOptions;
  readonly #config: Config;
  readonly #pool: WorkerPool;
  readonly #lane: Lane;
  readonly #layout: ReturnType<typeof stateLayout>;
  readonly #sessions = new Map<string, Session>();
  readonly #labels = new Map<string, string>();
  readonly #model: ResolvedModel;

  constructor(options: ChildrenOptions) {
    this.#options = options;
    this.#model = options.model;
    this.#config = configOf(options);
    this.#layout = stateLayout(options.stateDir);
    makeFolder(this.#layout.compileCache, 0o700);
    this.#lane = new Lane(this.#config.agents.defaults.subagents.maxConcurrent);
    this.#pool = new WorkerPool({
      threads: this.#config.subagents.pool,
      workerFile: workerFile(),
      scratchDir: this.#layout.scratch,
      env: threadEnvironment(process.env, this.#layout.compileCache),
      onError: (error) => console.error(`reference gateway: a thread failed: ${error.message}`),
    });
  }

  ready(): Promise<void> {
    return this.#pool.ready();
  }

  warm(): Promise<void> {
    return this.#pool.warm();
  }

  entries(): [string, SessionEntry, ChildRun | undefined][] {
    return [...this.#sessions].map(([key, { entry, run }]) => [key, entry, run]);
  }

  entry(key: string): SessionEntry | undefined {
    return this.#sessions.get(key)?.entry;
  }

  run(key: string): ChildRun | undefined {
    return this.#sessions.get(key)?.run;
  }

  /** @returns the key of the session that has this label */
  labelled(label: string): string | undefined {
    const key = this.#labels.get(label);
    return key !== undefined && this.entry(key)?.["label"] === label ? key : undefined;
  }

  /** The one that was patched in, whether there is one of that name or not. */
  modelOf({ model }: SessionEntry): { modelProvider: string; model: string } {
    if (typeof model !== "string") return { modelProvider: this.#model.provider, model: this.#model.id };
    const [provider, ...id] = model.split("/");
    return id.length === 0
      ? { modelProvider: this.#model.provider, model }
      : { modelProvider: provider!, model: id.join("/") };
  }

  /** Makes the session when there is none. */
  patch(key: string, patch: Record<string, unknown>): SessionEntry {
    const { entry } = this.#session(key);
    if (typeof patch["label"] === "string") this.#labels.set(patch["label"], key);
    return Object.assign(entry, patch, { updatedAt: Date.now() });
  }

  /** Accepts a run; it starts when the lane has room and the session is free. `timeoutSeconds` 0: no limit. */
  start(key: string, message: string, { runId, via, timeoutSeconds = 0 }: StartOptions): ChildRun {
    const session = this.#session(key);
    const run = new ChildRun(runId, key, via);
    const before = session.free;
    session.run = run;
    session.open.add(run);
    session.entry.updatedAt = Date.now();
    const work = async (): Promise<void> => {
      const released = this.#carry(session, run, message, timeoutSeconds * 1000);
      session.active = { run, released };
      await released.finally(() => {
        delete session.active;
        session.open.delete(run);
      });
    };
    session.free = new Promise((resolve) => {
      void before.then(() =>
        this.#lane.enqueue({ id: runId, tree: key, requester: key }, () => work().finally(resolve)),
      );
    });
    return run;
  }

  /** @returns whether there was a run that could be ended */
  async interrupt(key: string): Promise<boolean> {
    const session = this.#sessions.get(key);
    return session !== undefined && interruptSession(session, key);
  }

  /** @returns whether there was such a session */
  async delete(key: string): Promise<boolean> {
    await this.interrupt(key);
    return this.#sessions.delete(key);
  }

  /** Oldest first; an unknown session has none. */
  async messages(key: string): Promise<StoredMessage[]> {
    const session = this.#sessions.get(key);
    if (session === undefined) return [];
    const text = await readFile(this.#transcript(session), "utf8").catch(() => "");
    return parseTranscript(text).messages;
  }

  async close(): Promise<void> {
    const runs = [...this.#sessions.values()].flatMap(({ run }) => (run?.end === undefined ? (run ?? []) : []));
    for (const run of runs) run.abort(INTERRUPTED);
    await this.#pool.close();
    // Those that never had a thread.
    for (const run of runs) run.finish(nothing());
  }

  async #carry(session: Session, run: ChildRun, message: string, timeoutMs: number): Promise<void> {
    if (run.aborted) return run.finish(nothing());
    const { modelProvider, model } = this.modelOf(session.entry);
    if (modelProvider !== this.#model.provider || model !== this.#model.id) {
      return run.finish(failed(`Unknown model: ${modelProvider}/${model}`));
    }
    const execution = new Execution({
      pool: this.#pool,
      task: childTask({
        config: this.#config,
        model: this.#model,
        entry: session.entry,
        run,
        message,
        first: session.turns++ === 0,
        workspaceDir: this.#options.workspaceDir,
        transcriptPath: this.#transcript(session),
      }),
      dedicated: false,
      grace: this.#config.subagents.grace,
      watched: false,
      onStarted: () => {
        run.started(timeoutMs);
        this.#options.onLifecycle(run, "start");
      },
      onEvents: () => undefined,
      onRequest: async ({ kind }) => (kind === "refresh_model" ? this.#model : { allow: true }),
      onLog: () => undefined,
      onTerminate: () => undefined,
    });
    run.carriedBy(execution);
    const end = this.#endOf(await execution.ended);
    // What waits for the run may go on at once; its session not before the thread has let go of it.
    run.finish(end);
    this.#options.onLifecycle(run, end.status === "error" ? "error" : "end");
    await execution.released;
  }

  #endOf(end: ExecutionEnd): RunEnd {
    if (end.kind === "lost") return failed(end.cause.message);
    const { status, text, usage, cause } = end.result;
    if (status === "error")
      return { status, aborted: false, text, usage, error: cause?.message ?? "the engine failed" };
    return { status: "ok", aborted: status === "aborted", text, usage };
  }

  #session(key: string): Session {
    const known = this.#sessions.get(key);
    if (known !== undefined) return known;
    const made: Session = {
      entry: { sessionId: randomUUID(), updatedAt: Date.now() },
      open: new Set(),
      free: Promise.resolve(),
      turns: 0,
    };
    this.#sessions.set(key, made);
    return made;
  }

  #transcript({ entry }: Session): string {
    return join(this.#layout.transcripts, "main", `${entry.sessionId}.jsonl`);
  }
}

function configOf({ subagents = {}, limits = {} }: ChildrenOptions): Config {
  const pool = { minThreads: 1, maxThreads: 1, nice: 0, ...(subagents["pool"] as object | undefined) };
  const config = parseConfig({
    subagents: { engine: "pi", runtime: "inprocess", ...subagents, pool },
    agents: { defaults: { subagents: limits } },
  });
  return config;
}

function nothing(): RunEnd {
  return { status: "ok", aborted: true, text: "", usage: noUsage() };
}

function failed(error: string): RunEnd {
  return { ...nothing(), status: "error", aborted: false, error };
}

type StartOptions = { runId: string; via: ChildRun["via"]; timeoutSeconds?: number };
