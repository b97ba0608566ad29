/** Asks a host for a page that has nothing to do with its children, again and again, in a process of its own. */

import { fork } from "node:child_process";
import { once } from "node:events";
import { Agent, get } from "node:http";
import { fileURLToPath } from "node:url";
import { median, percentile } from "./statistics.ts";

export type Pinger = {
  /** @returns how long the pings waited that were sent beside `work`, which is repeated until there are `least` */
  beside(work: () => Promise<unknown>, least: number): Promise<PingTimes>;
};

/** Milliseconds. */
export type PingTimes = { p50: number; p99: number; max: number };

/** Resolves when it is at work; it ends after what it was asked to ping beside. */
export async function openPinger(url: string): Promise<Pinger> {
  const child = fork(fileURLToPath(import.meta.url), [url], { execArgv: [] });
  const ended = once(child, "exit");
  /** What it says next, or the code it ended with. */
  const next = async (): Promise<unknown> => ((await Promise.race([once(child, "message"), ended])) as unknown[])[0];
  await next();
  return {
    async beside(work, least) {
      let isEnough = false;
      const enough = next().finally(() => (isEnough = true));
      child.send(least);
      do await work();
      while (!isEnough);
      await enough;
      const answered = next();
      child.send("end");
      const times = await answered;
      if (!Array.isArray(times)) throw new Error(`The process that asks ${url} ended with code ${String(times)}.`);
      child.disconnect();
      return { p50: median(times), p99: percentile(times, 0.99), max: Math.max(...(times as number[])) };
    },
  };
}

/** Sent by the clock and not one after the other: a host that stalls keeps many waiting, and each of them counts. */
function ping(url: string): void {
  const agent = new Agent({ keepAlive: true, maxSockets: 64 });
  let sent: Promise<number>[] = [];
  let least = Infinity;
  const timer = setInterval(() => {
    sent.push(waitOf(url, agent));
    if (sent.length === least) process.send!("enough");
  }, EVERY_MS);
  process.on("message", (asked: number | "end") => {
    if (asked === "end") {
      clearInterval(timer);
      void Promise.all(sent).then((times) => process.send!(times));
    } else {
      least = asked;
      sent = [];
    }
  });
  process.on("disconnect", () => process.exit(0));
  // Its own first ones find nothing compiled.
  setTimeout(() => process.send!("pinging"), WARM_UP_MS);
}

function waitOf(url: string, agent: Agent): Promise<number> {
  const began = performance.now();
  return new Promise((resolve) => {
    get(url, { agent }, (response) => {
      response.resume().on("end", () => resolve(performance.now() - began));
    });
  });
}

const EVERY_MS = 5;
const WARM_UP_MS = 150;

if (process.argv[1] === fileURLToPath(import.meta.url)) ping(process.argv[2]!);
