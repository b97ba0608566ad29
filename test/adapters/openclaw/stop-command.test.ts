import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";

import { hearStops, type StopOptions } from "../../../src/adapters/openclaw/stop-command.ts";
import { createLogger } from "../../../src/log.ts";
import { MAIN, startRuntime } from "../../helpers/runtime-fixture.ts";

const OTHER = "agent:main:other";
const SOON = [10, 30];

it("a stop ends what the stopped session has at work, with all below it, and nothing of another's", async () => {
  const { fixture, hears, stop } = await listening();
  const mine = await fixture.start("waits");
  const others = await fixture.start("waits", { ...fixture.requester, sessionKey: OTHER });
  hears("go on");
  hears("stop, but tell me first why it is that you have been looking for so long");
  hears("/stop");
  stop(MAIN, 20);
  expect((await fixture.settled(mine.runId)).outcome.status).toBe("killed");
  const [left] = await fixture.runtime.list({ sessionKey: OTHER, agentId: "main" });
  expect(left).toMatchObject({ runId: others.runId, state: "running" });
  expect(fixture.host.deliveries).toEqual([]);
});

it("words that stop nobody, because the core has stopped no session since, end nothing", async () => {
  const { fixture, hears, stop, looked } = await listening();
  await fixture.start("waits");
  stop(MAIN, -1000);
  hears("/stop");
  hears("go on");
  await sleep(150);
  expect(looked(), "only words that stop are worth a look").toBe(SOON.length);
  expect(await fixture.runtime.list(fixture.requester)).toMatchObject([{ state: "running" }]);
});

it("what can't be read is logged, and keeps nobody from going on", async () => {
  const { hears, fail, lines } = await listening();
  fail();
  hears("/stop");
  await expect.poll(() => lines.join()).toContain("the store is torn");
});

async function listening() {
  const fixture = await startRuntime({ engine: "by-task" });
  const stopped: { key: string; at: number }[] = [];
  const lines: string[] = [];
  let looks = 0;
  let torn = false;
  const options: StopOptions = {
    runtime: fixture.runtime,
    isStop: async (text) => text === "/stop",
    stoppedSince: async (from) => {
      looks += 1;
      if (torn) throw new Error("the store is torn");
      return stopped.filter(({ at }) => at >= from && at <= Date.now()).map(({ key }) => key);
    },
    agentOf: () => "main",
    logger: { ...createLogger(), warn: (_fields, message) => void lines.push(message) },
  };
  return {
    fixture,
    lines,
    hears: hearStops(options, SOON),
    stop: (key: string, inMs: number) => stopped.push({ key, at: Date.now() + inMs }),
    fail: () => void (torn = true),
    looked: () => looks,
  };
}
