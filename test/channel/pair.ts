/** Both ends of a real channel in one thread, each with a handler that remembers what came in. */

import { setImmediate as turn } from "node:timers/promises";
import { MessageChannel, type MessagePort } from "node:worker_threads";
import { afterEach } from "vitest";

import { HostEnd, type HostEndHandlers } from "../../src/channel/host-end.ts";
import type { EngineResult, LogLine, ToHost } from "../../src/channel/protocol.ts";
import { WorkerEnd } from "../../src/channel/worker-end.ts";
import type { Cause } from "../../src/errors.ts";
import type { EngineEvent } from "../../src/events.ts";

const ports: MessagePort[] = [];

afterEach(() => {
  for (const port of ports.splice(0)) port.close();
});

export type Heard = {
  started: number[];
  opened: number;
  events: EngineEvent[][];
  processes: [number, boolean][];
  logs: LogLine[];
  steered: number;
  pongs: number;
  finished: EngineResult[];
  invalid: Cause[];
};

/** A host end that answers requests with `request`, and a worker end that notes aborts and steering. */
export function connect(request: HostEndHandlers["request"] = async () => undefined) {
  const { port1, port2 } = openChannel();
  const heard: Heard = {
    started: [],
    opened: 0,
    events: [],
    processes: [],
    logs: [],
    steered: 0,
    pongs: 0,
    finished: [],
    invalid: [],
  };
  const told: { aborts: Cause[]; steering: string[] } = { aborts: [], steering: [] };
  const host = new HostEnd(port1, {
    started: (threadId) => void heard.started.push(threadId),
    opened: () => void heard.opened++,
    events: (events) => void heard.events.push(events),
    request,
    process: (pid, alive) => void heard.processes.push([pid, alive]),
    log: (lines) => void heard.logs.push(...lines),
    steered: (count) => void (heard.steered += count),
    pong: () => void heard.pongs++,
    finished: (result) => void heard.finished.push(result),
    invalid: (cause) => void heard.invalid.push(cause),
  });
  const worker = new WorkerEnd(port2, {
    abort: (cause) => void told.aborts.push(cause),
    steer: (text) => void told.steering.push(text),
  });
  return { host, worker, heard, told, hostPort: port1, workerPort: port2 };
}

/** A worker end whose host never answers: what it sends is only kept. */
export function deafHost() {
  const { port1, port2 } = openChannel();
  const sent: ToHost[] = [];
  port1.on("message", (message: ToHost) => void sent.push(message));
  const worker = new WorkerEnd(port2, { abort: () => undefined, steer: () => undefined });
  worker.watched = true;
  return { worker, sent, hostPort: port1 };
}

/** Both ports are closed after the test. */
export function openChannel() {
  const channel = new MessageChannel();
  ports.push(channel.port1, channel.port2);
  return channel;
}

/** Time for everything that was posted to arrive, timers of 50 ms included. */
export function quiet(ms = 150): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Waits turn by turn of the loop, as hundreds of channels one after the other would make timers slow; gives up after 10 s. */
export async function until(isSo: () => boolean): Promise<void> {
  const end = performance.now() + 10_000;
  while (!isSo() && performance.now() < end) await turn();
}

export const RESULT: EngineResult = {
  status: "ok",
  text: "done",
  usage: {
    input: 1,
    output: 2,
    cacheRead: 0,
    cacheWrite: 0,
    totalTokens: 3,
    costUsd: 0,
    turns: 1,
    toolCalls: 0,
  },
};
