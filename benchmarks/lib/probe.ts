/** A small HTTP server in the process that hosts children: unrelated to them, and told of what it costs that process. */

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { cpuSoFar, type Cpu } from "./cpu.ts";
import { watchLoop, type LoopDelay, type LoopWatch } from "./loop-delay-of.ts";

/** What another process may ask; the answers are JSON. */
export type Probe = {
  /** For the pinger. */
  pingUrl: string;
  /** How late the loop of that process is while `work` runs. */
  loopDelayOf(work: () => Promise<unknown>): Promise<LoopDelay>;
  cpuSoFar(): Promise<Cpu>;
};

/** Serves this process. @returns where, and how to end it */
export async function serveProbe(): Promise<{ url: string; close(): void }> {
  let watch: LoopWatch | undefined;
  const answers: Record<string, () => unknown> = {
    "/ping": () => "pong",
    "/cpu": () => cpuSoFar(),
    "/watch": async () => void (watch = await watchLoop()),
    "/delay": () => watch!.end(),
  };
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    const answer = answers[request.url ?? ""];
    if (answer === undefined) return void response.writeHead(404).end();
    void Promise.resolve(answer()).then((value) => response.end(JSON.stringify(value ?? null)));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const close = (): void => {
    server.close();
    server.closeAllConnections();
  };
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close };
}

export function probeAt(url: string): Probe {
  const ask = async (path: string): Promise<unknown> => (await fetch(url + path)).json();
  return {
    pingUrl: `${url}/ping`,
    loopDelayOf: async (work) => {
      await ask("/watch");
      await work();
      return (await ask("/delay")) as LoopDelay;
    },
    cpuSoFar: async () => (await ask("/cpu")) as Cpu,
  };
}
