/** What a reference gateway offers to tests and benchmarks. Types only. */

import type { ResolvedModel } from "../../../src/types.ts";

/** All plain data, so that a gateway in a process of its own takes the same. */
export type ReferenceGatewayOptions = {
  /** Where its children's model calls go. */
  model: ResolvedModel;
  /** Keeps pairing, transcripts and runs. @default a temporary folder, removed by `close` */
  stateDir?: string;
  /** Where its children work. @default a folder in the state folder */
  workspaceDir?: string;
  /** @default a random free port of 127.0.0.1 */
  port?: number;
  /** What clients must give. @default a random token */
  auth?: { token: string } | { password: string };
  /** Serve `wss://` with a certificate of its own. @default false */
  tls?: boolean;
  /** Milliseconds between two `tick` events; the same is told in `hello-ok`. @default 30000 */
  tickIntervalMs?: number;
  /** Keys of `subagents`, for the threads that its children run on. @default one thread, the engine `pi` */
  subagents?: Record<string, unknown>;
  /** Keys of `agents.defaults.subagents`; of them `maxConcurrent` counts here. */
  limits?: Record<string, unknown>;
  faults?: Faults;
};

/** What goes wrong from now on; an absent key: nothing does. Set anew as a whole by `setFaults`. */
export type Faults = {
  /**
   * `drop`: the TCP connection is reset · `mute`: it is taken, and nothing is answered, not even the upgrade · `hang`:
   * a WebSocket is opened and never challenged · `unauthorized`: every token is wrong · otherwise `connect` is answered
   * with a close of this code and reason.
   */
  handshake?: "drop" | "mute" | "hang" | "unauthorized" | { code: number; reason: string };
  /** When the next `agent` has been answered `accepted`, a fork's process exits; in process it stops listening and breaks every connection. */
  dieAfterAccept?: boolean;
  /** The next `agent` is accepted, but its connection is broken off instead of the answer. Once. */
  loseAcceptance?: boolean;
  /** Milliseconds before a method's answer is sent; `*`: every method's. */
  slow?: Record<string, number>;
  /** Methods that are never answered. */
  silent?: string[];
  /** Methods answered with this error instead. */
  refuse?: Record<string, { code: string; message: string }>;
};

export type PairedDevice = { deviceId: string; publicKey: string; platform: string; scopes: string[]; token: string };
export type PendingDevice = {
  requestId: string;
  deviceId: string;
  publicKey: string;
  platform: string;
  scopes: string[];
};

/** The pairing store, as the gateway's user sees it. */
export type Pairing = {
  paired(): Promise<PairedDevice[]>;
  pending(): Promise<PendingDevice[]>;
  /** Approves the newest request, or the one named, as `openclaw devices approve` does. Rejects when there is none. */
  approve(requestId?: string): Promise<PairedDevice>;
  /** Sets what a paired device may ask for, as editing `devices/paired.json` does. */
  narrow(deviceId: string, scopes: string[]): Promise<void>;
  /** Whether a new device on this machine is paired unasked. @default true */
  silent(on: boolean): Promise<void>;
};

/** What came in since the start, oldest first. */
export type Seen = {
  /** WebSocket connections opened, whatever became of them. */
  connections: number;
  /** Methods asked for over an open connection, `connect` too. */
  calls: { method: string; connection: number; params: Record<string, unknown> }[];
  /** Messages to sessions that aren't subagents', which only take note here: announces. */
  messages: { sessionKey: string; message: string; idempotencyKey: string }[];
};

export type ReferenceGateway = {
  /** `ws://127.0.0.1:<port>`, or `wss://`. */
  url: string;
  token?: string;
  password?: string;
  /** SHA-256 of the certificate, hex with colons; with `tls`. */
  tlsFingerprint?: string;
  stateDir: string;
  pairing: Pairing;
  setFaults(faults: Faults): Promise<void>;
  seen(): Promise<Seen>;
  /** Breaks every open connection, as a network would. */
  dropConnections(): Promise<void>;
  /** Resolves when every thread that its children run on is warm. */
  warm(): Promise<void>;
  /** Stops listening, ends connections and children. Afterwards its port refuses connections. */
  close(): Promise<void>;
};

/** A gateway in a process of its own. */
export type ForkedGateway = ReferenceGateway & {
  pid: number;
  /** Resolves with the exit code when the process has ended, whoever ended it. */
  exited: Promise<number | null>;
  /** SIGKILL: nothing is said to anybody. */
  kill(): Promise<void>;
  /** CPU time the process has used so far, microseconds, and its RSS, bytes. */
  usage(): Promise<{ cpuUs: number; rssBytes: number }>;
};
