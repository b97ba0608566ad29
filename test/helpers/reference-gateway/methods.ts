/** The methods a subagent runtime needs, each as OpenClaw 2026.4.1 answers it. */

import { randomUUID } from "node:crypto";
import type { z } from "zod";

import { cut, finalAnswer, noted, payload, type Answer } from "./answers.ts";
import type { ChildRun } from "./child-run.ts";
import type { Children } from "./children.ts";
import { ABORT, AGENT, DELETE, HISTORY, LIST, PATCH, STEER, WAIT } from "./method-params.ts";
import type {
  AbortParams,
  AgentParams,
  DeleteParams,
  HistoryParams,
  ListParams,
  PatchParams,
  SteerParams,
  WaitParams,
} from "./method-params.ts";
import type { SessionEntry } from "./session.ts";
import type { Seen } from "./types.ts";
import { issuesOf, MethodError } from "./wire.ts";

export type MethodContext = { children: Children; seen: Seen };

/** What was asked, by whom; `later` sends a second answer to the same request. */
export type Call = {
  method: string;
  params: Record<string, unknown>;
  scopes: readonly string[];
  later(answer: Answer): void;
};

export class Methods {
  readonly #context: MethodContext;
  /** The last answer of each `agent` by its idempotency key. */
  readonly #answers = new Map<string, Answer>();
  readonly #runs = new Map<string, Pick<ChildRun, "wait" | "end">>();

  constructor(context: MethodContext) {
    this.#context = context;
  }

  async answer(call: Call): Promise<Answer> {
    try {
      return await this.#dispatch(call);
    } catch (error) {
      const code = error instanceof MethodError ? error.code : "UNAVAILABLE";
      return { ok: false, error: { code, message: error instanceof Error ? error.message : String(error) } };
    }
  }

  async #dispatch(call: Call): Promise<Answer> {
    switch (call.method) {
      case "agent":
        return this.#agent(checked(call, AGENT), call);
      case "agent.wait":
        return payload(await this.#wait(checked(call, WAIT)));
      case "chat.history":
        return payload(await this.#history(checked(call, HISTORY)));
      case "sessions.patch":
        return payload(this.#patch(checked(call, PATCH)));
      case "sessions.list":
        return payload(this.#list(checked(call, LIST)));
      case "sessions.delete":
        return payload(await this.#delete(checked(call, DELETE)));
      case "sessions.abort":
        return payload(this.#abort(checked(call, ABORT)));
      case "sessions.steer":
        return payload(await this.#steer(checked(call, STEER)));
      case "health":
        return payload({ ok: true, ts: Date.now() });
      default:
        throw new MethodError(`unknown method: ${call.method}`);
    }
  }

  /** Accepted at once, without an await: whoever asks twice with one key gets one run. */
  #agent(params: AgentParams, { scopes, later }: Call): Answer {
    const { idempotencyKey: runId, sessionKey = "agent:main:main", message, timeout } = params;
    if ((params.model ?? params.provider) && !scopes.includes("operator.admin")) {
      throw new MethodError("provider/model overrides are not authorized for this caller.");
    }
    const before = this.#answers.get(runId);
    if (before !== undefined) return before;
    const agentId = agentOf(sessionKey, params.agentId);
    if (agentId !== "main") throw new MethodError(`invalid agent params: unknown agent id "${agentId}"`);
    const answer = payload({ runId, status: "accepted", acceptedAt: Date.now() });
    this.#answers.set(runId, answer);
    const finished = (final: Answer): void => {
      this.#answers.set(runId, final);
      later(final);
    };
    if (!sessionKey.includes(":subagent:")) {
      this.#context.seen.messages.push({ sessionKey, message, idempotencyKey: runId });
      this.#runs.set(runId, noted(runId));
      setImmediate(finished, payload({ runId, status: "ok", summary: "completed", result: { payloads: [] } }));
      return answer;
    }
    const { children } = this.#context;
    const run = children.start(sessionKey, message, { runId, via: "agent", timeoutSeconds: timeout ?? 0 });
    if (params.label !== undefined) children.patch(sessionKey, { label: params.label });
    this.#runs.set(runId, run);
    const entry = children.entry(sessionKey)!;
    const { modelProvider: provider, model } = children.modelOf(entry);
    void run.over.then((end) => finished(finalAnswer(run, end, { sessionId: entry.sessionId, provider, model })));
    return answer;
  }

  /** Nobody's run can't be told from one at work: both are a `timeout` without an end. */
  async #wait({ runId, timeoutMs = 30_000 }: WaitParams): Promise<unknown> {
    const run = this.#runs.get(runId);
    if (run !== undefined) return run.wait(timeoutMs);
    await new Promise((resolve) => setTimeout(resolve, timeoutMs).unref());
    return { runId, status: "timeout" };
  }

  async #history({ sessionKey, limit = 200, maxChars = 12_000 }: HistoryParams): Promise<unknown> {
    const messages = await this.#context.children.messages(sessionKey);
    const sessionId = this.#context.children.entry(sessionKey)?.sessionId;
    return {
      sessionKey,
      sessionId,
      messages: messages.slice(-limit).map((one) => cut(one, maxChars)),
      thinkingLevel: "off",
    };
  }

  #patch({ key, ...patch }: PatchParams): unknown {
    const { children } = this.#context;
    const entry = children.entry(key);
    for (const name of LINEAGE) {
      if (patch[name] === undefined) continue;
      if (!key.includes(":subagent:"))
        throw new MethodError(`${name} is only supported for subagent:* or acp:* sessions`);
      const before = entry?.[name];
      if (before !== undefined && before !== patch[name]) throw new MethodError(`${name} cannot be changed once set`);
    }
    const { label } = patch;
    const holder = label ? children.labelled(label) : undefined;
    if (holder !== undefined && holder !== key) throw new MethodError(`label already in use: ${label}`);
    const patched = children.patch(key, withoutNulls(patch));
    return { ok: true, path: "(memory)", key, entry: patched, resolved: children.modelOf(patched) };
  }

  #list({ spawnedBy, label, search = "", limit }: ListParams): unknown {
    const sessions = this.#context.children
      .entries()
      .filter(([, entry]) => spawnedBy === undefined || entry["spawnedBy"] === spawnedBy)
      .filter(([, entry]) => label === undefined || entry["label"] === label)
      .filter(([key]) => key.toLowerCase().includes(search.toLowerCase()))
      .map(([key, entry, run]) => this.#row(key, entry, run))
      .sort((one, other) => other.updatedAt - one.updatedAt)
      .slice(0, limit);
    return { ts: Date.now(), path: "(memory)", count: sessions.length, sessions };
  }

  #row(key: string, entry: SessionEntry, run: ChildRun | undefined) {
    const { startedAt, endedAt, status } = run ?? {};
    const runtimeMs = startedAt === undefined ? undefined : (endedAt ?? Date.now()) - startedAt;
    const model = this.#context.children.modelOf(entry);
    return { key, kind: "direct", ...entry, status, startedAt, endedAt, runtimeMs, ...model };
  }

  async #delete({ key }: DeleteParams): Promise<unknown> {
    if (key === "agent:main:main") throw new MethodError(`Cannot delete the main session (${key}).`);
    return { ok: true, key, deleted: await this.#context.children.delete(key), archived: [] };
  }

  /** Leaves runs that came by `agent` alone, as 2026.4.1 does. */
  #abort({ key, runId }: AbortParams): unknown {
    const run = this.#context.children.run(key);
    const active = run?.via === "chat" && run.end === undefined && (runId === undefined || runId === run.runId);
    if (active) run.abort({ code: "run_killed", message: "The run was aborted on request." });
    return active ? { ok: true, abortedRunId: run.runId, status: "aborted" } : NO_ACTIVE_RUN;
  }

  async #steer({ key, message, idempotencyKey: runId = randomUUID() }: SteerParams): Promise<unknown> {
    const { children } = this.#context;
    if (children.entry(key) === undefined) throw new MethodError(`session not found: ${key}`);
    const interrupted = (await children.interrupt(key)) ? { interruptedActiveRun: true } : {};
    // A command, not a message.
    if (message === "/stop") return { ok: true, aborted: false, runIds: [], ...interrupted };
    const before = this.#runs.get(runId);
    if (before !== undefined) return { runId, status: before.end === undefined ? "in_flight" : "ok", ...interrupted };
    const messageSeq = (await children.messages(key)).length + 1;
    this.#runs.set(runId, children.start(key, message, { runId, via: "chat" }));
    return { runId, status: "started", messageSeq, ...interrupted };
  }
}

function checked<T extends z.ZodType>({ method, params }: Call, schema: T): z.infer<T> {
  const parsed = schema.safeParse(params);
  if (!parsed.success) throw new MethodError(`invalid ${method} params: ${issuesOf(parsed.error)}`);
  return parsed.data;
}

function agentOf(sessionKey: string, agentId: string | undefined): string {
  const [agent, id, rest] = sessionKey.split(":");
  if (agent !== "agent" || !id || !rest)
    throw new MethodError(`invalid agent params: malformed session key "${sessionKey}"`);
  return agentId ?? id;
}

function withoutNulls(patch: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(patch).map(([name, value]) => [name, value ?? undefined]));
}

const LINEAGE = ["spawnedBy", "spawnedWorkspaceDir", "spawnDepth", "subagentRole", "subagentControlScope"] as const;
const NO_ACTIVE_RUN = { ok: true, abortedRunId: null, status: "no-active-run" };
