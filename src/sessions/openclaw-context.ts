/**
 * What the plugin on the gateway's main thread and the engine `openclaw` in a worker tell each other. Shapes and one
 * symbol only: both sides import it, neither the other.
 */

import type { ToolOutput } from "../host.ts";

/** `EngineTask.engineContext` of the engine `openclaw`: structured-clone data. */
export type OpenClawContext = {
  /** Folder of the running OpenClaw's package, its real path. */
  packageRoot: string;
  /** The gateway's current config, secrets resolved. */
  config: Record<string, unknown>;
  /** The gateway's state folder, absolute. */
  stateDir: string;
  /** Of the child's agent, absolute. @default the runner's own choice for the agent */
  agentDir?: string;
  /** Of the agent, absolute: where the run that warms a thread up works. */
  workspaceDir?: string;
};

/** How our plugin, loaded again by the runner in a worker, reaches the run that a session key belongs to. */
export type WorkerBridge = {
  /** Undefined: not one of our tools for that session; the core's own is left alone. */
  call(sessionKey: string, tool: string, toolCallId: string, args: unknown): Promise<ToolOutput | undefined>;
  /** Names of our tools for that session. */
  tools(sessionKey: string): string[];
};

/** The bridge of this thread; undefined outside a worker of ours. */
export function workerBridge(): WorkerBridge | undefined {
  return (globalThis as Holder)[BRIDGE];
}

export function setWorkerBridge(bridge: WorkerBridge): void {
  (globalThis as Holder)[BRIDGE] = bridge;
}

type Holder = { [BRIDGE]?: WorkerBridge };
const BRIDGE: unique symbol = Symbol.for("openclaw-inprocess.worker") as never;
