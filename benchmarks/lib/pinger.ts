/** Asks a host for a page that has nothing to do with its children, again and again, in a process of its own. */

import { fork } from "node:child_process";
import { once } from "node:events";
import { Agent, get } from "node:http";
import { fileURLToPath } from "node:url";
import { median, percentile } from "./statistics.ts";

/** Milliseconds. */
export type PingTimes = { p50: number; p99: number; max: number };

/** @returns how long the pings waited that were sent while `work` ran */
export async function pingsDuring(url: string, work: () => Promise<unknown>): Promise<PingTimes> {
  const child = fork(fileURLToPath(import.meta.url), [url], { execArgv: [] });
  await Promise.race([once(child, "message"), once(child, "exit")]);
  await work();
  const answered = Promise.race([once(child, "message"), once(child, "exit")]) as Promise<[number[] | number | null]>;
  child.send("enough");
  const [times] = await answered;
  if (!Array.isArray(times)) throw new Error(`The process that asks ${url} ended with code ${String(times)}.`);
  child.disconnect();
  return { p50: median(times), p99: percentile(times, 0.99), max: Math.max(...times) };
}

/** Sent by the clock and not one after the other: a host that stalls keeps many waiting, and each of them counts. */
function ping(url: string): void {
  const agent = new Agent({ keepAlive: true, maxSockets: 64 });
  const times: number[] = [];
  const open = new Set<Promise<void>>();
  const once = (): Promise<void> => {
    const began = performance.now();
    return new Promise((resolve) => {
      get(url, { agent }, (response) => {
        response.resume().on("end", () => {
          times.push(performance.now() - began);
          resolve();
        });
      });
    });
  };
  const timer = setInterval(() => {
    const sent = once();
    open.add(sent);
    void sent.then(() => open.delete(sent));
  }, EVERY_MS);
  process.on("message", () => {
    clearInterval(timer);
    void Promise.all(open).then(() => process.send!(times));
  });
  process.on("disconnect", () => process.exit(0));
  // Its own first ones find nothing compiled.
  setTimeout(() => {
    times.length = 0;
    process.send!("pinging");
  }, WARM_UP_MS);
}

const EVERY_MS = 10;
const WARM_UP_MS = 150;

if (process.argv[1] === fileURLToPath(import.meta.url)) ping(process.argv[2]!);
