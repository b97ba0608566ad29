/**
 * The one instance of this plugin in a process: OpenClaw registers a plugin anew for every registry it builds, while
 * threads, registry and runs are there once. The service starts and stops it; hooks and tools find it here.
 */

import type { SubagentRuntime } from "../../runtime/runtime.ts";
import type { HostConfig } from "./api.ts";
import type { BusySessions } from "./busy-sessions.ts";
import type { Takeover } from "./takeover.ts";

export type Instance = {
  runtime: SubagentRuntime;
  takeover: Takeover;
  /** What children can do, for a tool's description. */
  engine: string;
  busy: BusySessions;
  /** Whether the core's spawn would certainly be refused for its pairing. */
  coreIsBroken(): Promise<boolean>;
  config: HostConfig;
  workspaceDir(agentId: string): string;
};

export function instance(): Instance | undefined {
  return slot().current;
}

export function setInstance(current: Instance | undefined): void {
  slot().current = current;
}

function slot(): { current?: Instance | undefined } {
  const global = globalThis as { [KEY]?: { current?: Instance } };
  return (global[KEY] ??= {});
}

const KEY = Symbol.for("openclaw-inprocess.gateway");
