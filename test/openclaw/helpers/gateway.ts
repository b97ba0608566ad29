/** A real OpenClaw gateway for a test: started from an onboarded state, driven over HTTP, gone afterwards. */

import { rm } from "node:fs/promises";
import { afterAll, expect, vi } from "vitest";

import { runOpenClaw, type CommandResult } from "./command.ts";
import { runGateway } from "./gateway-process.ts";
import {
  readDevices,
  readSessions,
  readTranscript,
  removeLocksWithoutOwner,
  type Devices,
  type StoredSession,
  type TranscriptMessage,
} from "./gateway-state.ts";
import { holdProcessTree } from "./process-tree.ts";
import type { Profile } from "./profile.ts";

export type Gateway = {
  profile: Profile;
  port: number;
  stateDir: string;
  workspace: string;
  configPath: string;
  /** The process that was started; OpenClaw runs in a child of it. */
  pid(): number;
  /** Everything written to stdout and stderr since the first start, over restarts. */
  log(): string;
  /** Waits until the log matches. @default 30 s */
  waitForLog(pattern: RegExp, timeoutMs?: number): Promise<void>;
  /** A turn of the main agent: the reply's text. Rejects when the gateway answers with an error or nothing in time. */
  turn(sessionKey: string, text: string, options?: { timeoutMs?: number }): Promise<string>;
  stop(): Promise<void>;
  /** SIGKILL. Locks that OpenClaw had only half made are removed: what it does about those isn't ours to test. */
  kill(): Promise<void>;
  /** Connections to it are taken and nothing answers, until the returned function is called. Not on Windows. */
  hang(): () => void;
  /** Stops it if it runs, and starts it with the same state and port. */
  restart(): Promise<void>;
  devices(): Promise<Devices>;
  /** WebSocket connections that the gateway has opened since the first start, whoever made them. */
  websocketConnections(): number;
  sessions(): Promise<Record<string, StoredSession>>;
  transcript(sessionKey: string): Promise<TranscriptMessage[]>;
  /** `openclaw <args>` as this gateway's user. */
  cli(...args: string[]): Promise<CommandResult>;
};

afterAll(async () => {
  for (const gateway of started.splice(0)) {
    await gateway.kill();
    await rm(gateway.profile.folder, { recursive: true, force: true, maxRetries: 5 });
  }
});

/** Resolves when it answers. After the file's tests it is killed and its profile removed. */
export async function startGateway(profile: Profile): Promise<Gateway> {
  let running = await runGateway(profile);
  let earlier = "";
  const log = (): string => earlier + running.log();
  const gateway: Gateway = {
    profile,
    port: profile.port,
    stateDir: profile.stateDir,
    workspace: profile.workspace,
    configPath: profile.configPath,
    pid: () => running.pid,
    log,
    waitForLog: async (pattern, timeout = 30_000) => {
      await vi.waitFor(() => expect(log()).toMatch(pattern), { timeout, interval: 50 });
    },
    turn: (sessionKey, text, { timeoutMs = 60_000 } = {}) => askMainAgent(profile, sessionKey, text, timeoutMs, log),
    stop: () => running.stop(),
    kill: async () => {
      await running.kill();
      await removeLocksWithoutOwner(profile);
    },
    hang: () => holdProcessTree(running.pid),
    restart: async () => {
      await running.stop();
      earlier = log();
      running = await runGateway(profile);
    },
    devices: () => readDevices(profile),
    websocketConnections: () => log().match(OPENED)?.length ?? 0,
    sessions: () => readSessions(profile),
    transcript: (sessionKey) => readTranscript(profile, sessionKey),
    cli: (...args) => runOpenClaw(profile, args),
  };
  started.push(gateway);
  return gateway;
}

async function askMainAgent(
  profile: Profile,
  sessionKey: string,
  text: string,
  timeoutMs: number,
  log: () => string,
): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${profile.port}/v1/chat/completions`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${profile.token}`,
      "content-type": "application/json",
      "x-openclaw-session-key": sessionKey,
    },
    body: JSON.stringify({ model: "openclaw", messages: [{ role: "user", content: text }] }),
    signal: AbortSignal.timeout(timeoutMs),
  });
  const body = await response.text();
  // Why stands in its log alone.
  if (!response.ok)
    throw new Error(`the gateway answered a turn with ${response.status}: ${body}\n${log().slice(-4000)}`);
  const { choices } = JSON.parse(body) as { choices: [{ message: { content: string } }] };
  return choices[0].message.content;
}

/** Written once for each connection, with `--verbose --ws-log full`, before any handshake. */
const OPENED = /\[ws\] ← open /g;

const started: Gateway[] = [];
