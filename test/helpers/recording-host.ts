/** A small real host: one workspace, one model, deliveries collected. A test sets what it wants to answer otherwise. */

import { expect } from "vitest";

import type { ChildContext, Host, HostTool, ToolCall, ToolVerdict } from "../../src/host.ts";
import type { Completion, ResolvedModel } from "../../src/types.ts";

export class RecordingHost implements Host {
  readonly workspace: string;
  model: ResolvedModel = UNREACHABLE;
  /** Each call of `deliver`, answered or not. */
  readonly deliveries: Completion[][] = [];
  /** Each call of `resolveModel`. */
  readonly resolved: { ref: string | undefined; agentId: string; refresh: boolean }[] = [];
  /** Each question of `alreadyDelivered`. */
  readonly asked: string[][] = [];
  /** What `deliver` answers. */
  onDeliver: (completions: Completion[]) => Promise<"delivered" | "busy" | "gone"> = async () => "delivered";
  onResolve: (ref: string | undefined, options: { refresh: boolean }) => Promise<ResolvedModel> = async () =>
    this.model;
  /** Keys that stand in the requester's transcript. */
  known: string[] = [];
  /** What `alreadyDelivered` answers. */
  onAsked: (keys: string[]) => Promise<string[]> = async (keys) => keys.filter((key) => this.known.includes(key));
  tools: HostTool[] = [];
  /** Set before the runtime is made, since only a host that has it is asked. */
  beforeToolCall?: (call: ToolCall) => Promise<ToolVerdict>;
  /** The same; see `bindThreads`. */
  bindThread?: (child: ChildContext) => Promise<boolean>;
  unbindThread?: (child: ChildContext) => Promise<void>;
  /** Session keys of the children that have a thread. */
  readonly threads: string[] = [];

  sessionPutAway?: Host["sessionPutAway"];

  constructor(workspace: string) {
    this.workspace = workspace;
  }

  /** Its channel has threads. Before the runtime is made. */
  bindThreads(): this {
    this.bindThread = async ({ sessionKey }) => this.threads.push(sessionKey) > 0;
    this.unbindThread = async ({ sessionKey }) => {
      const at = this.threads.indexOf(sessionKey);
      expect(at, `${sessionKey} has a thread to be given back`).toBeGreaterThanOrEqual(0);
      this.threads.splice(at, 1);
    };
    return this;
  }

  async deliver(completions: Completion[]): Promise<"delivered" | "busy" | "gone"> {
    this.deliveries.push(completions);
    return this.onDeliver(completions);
  }

  async alreadyDelivered(_requester: string, keys: string[]): Promise<string[]> {
    this.asked.push(keys);
    return this.onAsked(keys);
  }

  async resolveModel(
    ref: string | undefined,
    agentId: string,
    options: { refresh?: boolean } = {},
  ): Promise<ResolvedModel> {
    const refresh = options.refresh ?? false;
    this.resolved.push({ ref, agentId, refresh });
    return this.onResolve(ref, { refresh });
  }

  workspaceDir(): string {
    return this.workspace;
  }

  hostTools(_child: ChildContext): HostTool[] {
    return this.tools;
  }

  /** Every completion handed over, in order. */
  get delivered(): Completion[] {
    return this.deliveries.flat();
  }

  /** Waits until so many completions have come in, in however many deliveries. */
  async completionsCame(count: number, timeoutMs = 20_000): Promise<void> {
    await expect.poll(() => this.delivered.length, { timeout: timeoutMs, interval: 5 }).toBeGreaterThanOrEqual(count);
  }

  /** Waits until so many calls of `deliver` have come in. */
  async deliveredTimes(count: number, timeoutMs = 20_000): Promise<void> {
    await expect.poll(() => this.deliveries.length, { timeout: timeoutMs, interval: 5 }).toBeGreaterThanOrEqual(count);
  }
}

/** For engines that call no model. */
const UNREACHABLE: ResolvedModel = {
  provider: "fixture",
  id: "none",
  api: "openai-completions",
  baseUrl: "http://127.0.0.1:9/v1",
  apiKey: "none",
  contextWindow: 1_000,
  maxTokens: 100,
  input: ["text"],
  reasoning: false,
};
