/** Children in the gateway's session store, so that its own lists, history and web UI show them. */

import { dirname, join } from "node:path";
import type { ChildContext } from "../../host.ts";
import type { Completion, OutcomeStatus } from "../../types.ts";
import type { HostConfig, HostRuntime } from "./api.ts";
import { sessionStoreSetting, type UpdateSessionStore } from "./openclaw-package.ts";
import { agentOf } from "./agents.ts";

type Entry = Record<string, unknown>;
type Store = Record<string, Entry>;
type Change = (store: Store) => void;
type Ended = Pick<Completion, "childSessionKey" | "usage" | "outcome" | "runtimeMs" | "model">;

/** What comes in one turn of the loop goes in one locked update: the whole store is read and written for each. */
export class SessionStore {
  readonly #update: UpdateSessionStore;
  readonly #config: HostConfig;
  readonly #storePath: (agentId: string) => string;
  readonly #queued = new Map<string, { changes: Change[]; written: Promise<void> }>();

  constructor(runtime: HostRuntime, config: HostConfig, update: UpdateSessionStore) {
    this.#update = update;
    this.#config = config;
    this.#storePath = (agentId) => runtime.agent.session.resolveStorePath(sessionStoreSetting(config), { agentId });
  }

  transcriptPath(agentId: string, sessionId: string): string {
    return join(dirname(this.#storePath(agentId)), `${sessionId}.jsonl`);
  }

  /** Resolves when the child stands in the store. */
  register(child: ChildContext): Promise<void> {
    const { agentId, sessionKey } = child;
    const entry = entryOf(child);
    return this.#change(agentId, (store) => void (store[sessionKey] = { ...store[sessionKey], ...entry }));
  }

  /** Resolves when the child's end stands there; one that has no entry (any more) gets none. */
  settle(ended: Ended): Promise<void> {
    const { childSessionKey, usage, outcome, runtimeMs, model } = ended;
    const now = Date.now();
    const entry: Entry = {
      status: STATUS[outcome.status],
      endedAt: now,
      updatedAt: now,
      runtimeMs,
      inputTokens: usage.input + usage.cacheRead + usage.cacheWrite,
      outputTokens: usage.output,
      totalTokens: usage.totalTokens,
      // Of all its calls; OpenClaw would otherwise take it for how full the context is.
      totalTokensFresh: false,
      ...(usage.costUsd > 0 ? { estimatedCostUsd: usage.costUsd } : {}),
      ...modelFields(model),
    };
    return this.#change(agentOf(childSessionKey, this.#config), (store) => {
      const before = store[childSessionKey];
      if (before !== undefined) store[childSessionKey] = { ...before, ...entry };
    });
  }

  /** Resolves when the store has nothing of the child's session; its transcript has been put away. */
  remove({
    agentId,
    sessionKey,
    sessionId,
  }: Pick<ChildContext, "agentId" | "sessionKey" | "sessionId">): Promise<void> {
    return this.#change(agentId, (store) => {
      if (store[sessionKey]?.["sessionId"] === sessionId) delete store[sessionKey];
    });
  }

  #change(agentId: string, change: Change): Promise<void> {
    const path = this.#storePath(agentId);
    let batch = this.#queued.get(path);
    if (batch === undefined) {
      const changes: Change[] = [];
      batch = { changes, written: this.#write(path, changes) };
      this.#queued.set(path, batch);
    }
    batch.changes.push(change);
    return batch.written;
  }

  async #write(path: string, changes: Change[]): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    this.#queued.delete(path);
    await this.#update(path, (store) => {
      for (const change of changes) change(store);
    });
  }
}

function entryOf(child: ChildContext): Entry {
  const now = Date.now();
  return {
    sessionId: child.sessionId,
    sessionFile: child.transcriptPath,
    updatedAt: now,
    startedAt: now,
    status: "running",
    spawnedBy: child.requesterSessionKey,
    spawnedWorkspaceDir: child.workspaceDir,
    spawnDepth: child.depth,
    subagentRole: child.role,
    subagentControlScope: child.role === "orchestrator" ? "children" : "none",
    ...(child.label === undefined ? {} : { label: child.label }),
    ...modelFields(child.model),
  };
}

function modelFields(ref: string | undefined): Entry {
  const slash = ref?.indexOf("/") ?? -1;
  return ref === undefined || slash < 0 ? {} : { modelProvider: ref.slice(0, slash), model: ref.slice(slash + 1) };
}

/** OpenClaw's words. */
const STATUS: Record<OutcomeStatus, string> = {
  ok: "done",
  error: "failed",
  timeout: "timeout",
  killed: "killed",
  interrupted: "failed",
};
