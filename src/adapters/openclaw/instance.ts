/**
 * The one instance of this plugin in a process: OpenClaw registers a plugin anew for every registry it builds, while
 * threads, registry and runs are there once. The service starts and stops it; hooks and tools find it here.
 */

import { setTimeout as delay } from "node:timers/promises";
import type { SubagentRuntime } from "../../runtime/runtime.ts";
import type { HostConfig } from "./api.ts";
import type { BusySessions } from "./busy-sessions.ts";
import type { ChannelSends } from "./channel-sends.ts";
import type { OpenClawPackage } from "./openclaw-package.ts";
import type { RequesterSessions } from "./requester-session.ts";
import type { Takeover } from "./takeover.ts";

export type Instance = {
  runtime: SubagentRuntime;
  takeover: Takeover;
  /** Takes over what the host's configuration has become; cheap when nothing has changed. */
  followChanges(): void;
  /** What children can do, for a tool's description. */
  engine: string;
  busy: BusySessions;
  sends: ChannelSends;
  /** Called with every message that comes in at a channel; absent: what stops a session can't be told here. */
  heard?: (text: string) => void;
  /** Whether the core's spawn would certainly be refused for its pairing. */
  coreIsBroken(): Promise<boolean>;
  host: Pick<OpenClawPackage, "sessionsInFiles">;
  /** What the gateway keeps of a session. */
  session: RequesterSessions;
  /** OpenClaw's configuration as it is now. */
  config(): HostConfig;
  workspaceDir(agentId: string): string;
  /** How many spawns a session is below the top, as the gateway has it. */
  depthOf(sessionKey: string): Promise<number>;
};

export function instance(): Instance | undefined {
  return slot().current;
}

/** The same, once a start that is under way has ended: a spawn that comes early isn't the core's for that. */
export async function startedInstance(): Promise<Instance | undefined> {
  const { starting } = slot();
  if (starting !== undefined) await Promise.race([starting, delay(START_PATIENCE_MS, undefined, { ref: false })]);
  return instance();
}

/** @param start sets the instance, or doesn't; never rejects */
export async function starting(start: () => Promise<void>): Promise<void> {
  const here = slot();
  here.starting = start();
  await here.starting;
  here.starting = undefined;
}

export function setInstance(current: Instance | undefined): void {
  slot().current = current;
}

type Slot = { current?: Instance | undefined; starting?: Promise<void> | undefined };

function slot(): Slot {
  const global = globalThis as { [KEY]?: Slot };
  return (global[KEY] ??= {});
}

const KEY = Symbol.for("openclaw-inprocess.gateway");
/** 2026.9.6 gives a hook 15 s. */
const START_PATIENCE_MS = 10_000;
