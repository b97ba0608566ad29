import { setImmediate as turn } from "node:timers/promises";
import { MessageChannel, receiveMessageOnPort } from "node:worker_threads";
import { expect, it } from "vitest";

import { ping, run } from "../../src/worker/entry.ts";
import { engineTask } from "../helpers/engine-task.ts";
import { engineFile, tempFolder } from "../helpers/runtime-fixture.ts";

it("of a burst of runs a few start in each turn of the loop, in the order they came, and none is left out", async () => {
  expect(ping()).toBeUndefined();
  const dir = tempFolder();
  const channels = Array.from({ length: 14 }, () => new MessageChannel());
  const ended = channels.map(({ port2 }, n) =>
    run({ task: engineTask(dir, String(n), engineFile("echo"), "hello"), port: port2 }),
  );
  const waiting = new Set(channels.keys());
  const order: number[] = [];
  const startedIn: number[] = [];
  // The first ones start at the end of this turn.
  for (let tick = 0; tick < 5; tick++) await Promise.resolve();
  while (waiting.size > 0) {
    let started = 0;
    for (const n of [...waiting]) {
      if (receiveMessageOnPort(channels[n]!.port1) === undefined) continue;
      waiting.delete(n);
      order.push(n);
      started += 1;
    }
    if (started > 0) startedIn.push(started);
    await turn();
  }
  await Promise.all(ended);
  for (const { port1 } of channels) port1.close();
  expect(order).toEqual([...channels.keys()]);
  expect(Math.max(...startedIn)).toBeLessThanOrEqual(4);
  expect(startedIn.length).toBeGreaterThanOrEqual(4);
});
