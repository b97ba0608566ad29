/** Starts a reference gateway in a process of its own, and passes on what its owner asks. */

import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { join } from "node:path";

import type { Question, Ready, Reply } from "./process.ts";
import type { ForkedGateway, PairedDevice, PendingDevice, ReferenceGatewayOptions, Seen } from "./types.ts";

/** Listens when it resolves; the process ends with `close`, `kill`, or this one. */
export async function forkReferenceGateway(options: ReferenceGatewayOptions): Promise<ForkedGateway> {
  const child = fork(PROCESS, [JSON.stringify(options)], {
    execArgv: [],
    serialization: "advanced",
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  const ended = once(child, "exit").then(([code]) => code as number | null);
  const started = once(child, "message").then(([ready]) => ready as Ready);
  const ready = await Promise.race([started, ended]);
  if (ready === null || typeof ready === "number") throw new Error(`the reference gateway ended with ${String(ready)}`);
  const exited = ended.then((code) => {
    // A process that was killed has removed nothing.
    if (options.stateDir === undefined) rmSync(ready.stateDir, { recursive: true, force: true, maxRetries: 5 });
    return code;
  });
  const ask = questions(child);
  return {
    ...ready,
    pairing: {
      paired: () => ask("pairing.paired") as Promise<PairedDevice[]>,
      pending: () => ask("pairing.pending") as Promise<PendingDevice[]>,
      approve: (requestId) => ask("pairing.approve", requestId) as Promise<PairedDevice>,
      narrow: (deviceId, scopes) => ask("pairing.narrow", deviceId, scopes) as Promise<void>,
      silent: (on) => ask("pairing.silent", on) as Promise<void>,
    },
    setFaults: (faults) => ask("setFaults", faults) as Promise<void>,
    seen: () => ask("seen") as Promise<Seen>,
    dropConnections: () => ask("dropConnections") as Promise<void>,
    warm: () => ask("warm") as Promise<void>,
    usage: () => ask("usage") as Promise<{ cpuUs: number; rssBytes: number }>,
    pid: child.pid!,
    exited,
    kill: async () => {
      child.kill("SIGKILL");
      await exited;
    },
    close: async () => {
      if (child.connected) child.disconnect();
      await exited;
    },
  };
}

/** Rejects what is asked of a process that has ended, or ends meanwhile. */
function questions(child: ChildProcess): (call: string, ...args: unknown[]) => Promise<unknown> {
  let next = 0;
  const waiting = new Map<number, (reply: Reply) => void>();
  child.on("message", (reply: Reply) => waiting.get(reply.id)?.(reply));
  child.on("exit", () => waiting.forEach((settle, id) => settle({ id, error: "the reference gateway has ended" })));
  return async (call, ...args) => {
    const id = next++;
    if (!child.connected) throw new Error(`the reference gateway has ended; ${call} can't be asked`);
    const reply = await new Promise<Reply>((resolve) => {
      waiting.set(id, resolve);
      child.send({ id, call, args } satisfies Question);
    });
    waiting.delete(id);
    if ("error" in reply) throw new Error(reply.error);
    return reply.value;
  };
}

const PROCESS = join(import.meta.dirname, "process.ts");
