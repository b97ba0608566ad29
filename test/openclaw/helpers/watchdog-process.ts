/** What `watchdog.ts` starts: told of processes line by line, it kills those still watched when its input ends. */

import { createInterface } from "node:readline";

import { killProcessTree } from "./process-tree.ts";

const watched = new Set<number>();

for await (const line of createInterface({ input: process.stdin })) {
  const [verb, pid] = line.split(" ");
  if (verb === "watch") watched.add(Number(pid));
  else watched.delete(Number(pid));
}

watched.forEach(killProcessTree);
