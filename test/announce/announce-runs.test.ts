import { readdirSync } from "node:fs";
import { basename, dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";

import { gate, MAIN, serveModel, startRuntime } from "../helpers/runtime-fixture.ts";

describe("what is announced of a run", () => {
  it.each(["NO_REPLY", "ANNOUNCE_SKIP", "  NO_REPLY\n"])("is nothing when its answer is %j", async (answer) => {
    const server = await serveModel(({ lastUserText }) => (lastUserText.endsWith("silent") ? answer : "aloud"));
    const { start, settled, host, runtime, requester } = await startRuntime({ model: server.model });
    const silent = await start("silent");
    await settled(silent.runId);
    await start("aloud");
    await host.deliveredTimes(1);
    expect(host.delivered.map((one) => one.text)).toEqual(["aloud"]);
    expect((await runtime.list(requester))[0]).toMatchObject({ runId: silent.runId, delivery: "none" });
  });

  it("is nothing when its spawn wants no completion", async () => {
    const { start, settled, host } = await startRuntime({ engine: "by-task" });
    const quiet = await start({ task: "echo quiet", expectsCompletionMessage: false });
    expect(quiet.expectsCompletionMessage).toBe(false);
    await settled(quiet.runId);
    await start("echo aloud");
    await host.deliveredTimes(1);
    expect(host.delivered.map((one) => one.task)).toEqual(["echo aloud"]);
  });

  it("is its failure, though it had been told to be silent", async () => {
    const { start, host } = await startRuntime({ engine: "by-task" });
    await start("throws");
    await host.deliveredTimes(1);
    expect(host.delivered[0]!.message).toMatch(/status: error\nreason: .*the engine fell over.* \(engine_failed\)/);
  });

  it("is its whole answer, however long, with a message that says what was cut of it", async () => {
    const text = "all of it. ".repeat(60_000);
    const server = await serveModel(() => ({ text, chunkChars: 10_000 }));
    const { start, host } = await startRuntime({ model: server.model });
    await start("talk");
    await host.deliveredTimes(1);
    expect(host.delivered[0]!.text).toBe(text.trim());
    expect(host.delivered[0]!.message.length).toBeLessThan(60_000);
    expect(host.delivered[0]!.message).toMatch(/cut: \d+ characters/);
  });
});

describe("a requester with several children", () => {
  it("is told of each as it settles", async () => {
    const second = gate();
    const server = await serveModel(async ({ lastUserText }) => {
      if (lastUserText.endsWith("later")) await second.opened;
      return lastUserText.split("\n").at(-1)!;
    });
    const { start, host } = await startRuntime({ model: server.model });
    await start("later");
    await start("sooner");
    await host.deliveredTimes(1);
    expect(host.deliveries.map((batch) => batch.map((one) => one.text))).toEqual([["sooner"]]);
    second.open();
    await host.deliveredTimes(2);
  });

  it("is told of all at once under announce.mode together", async () => {
    const second = gate();
    const server = await serveModel(async ({ lastUserText }) => {
      if (lastUserText.endsWith("later")) await second.opened;
      return lastUserText.split("\n").at(-1)!;
    });
    const { start, settled, host } = await startRuntime({
      model: server.model,
      subagents: { announce: { mode: "together" } },
    });
    await start("later");
    await settled((await start("sooner")).runId);
    await sleep(50);
    expect(host.deliveries).toEqual([]);
    second.open();
    await host.deliveredTimes(1);
    expect(host.deliveries.map((batch) => batch.map((one) => one.text))).toEqual([["sooner", "later"]]);
  });

  it("that is busy is told of all when it says it is idle", async () => {
    const { start, settled, host, runtime } = await startRuntime({ engine: "by-task" });
    host.onDeliver = async () => "busy";
    for (const n of [1, 2, 3]) await settled((await start({ task: "echo", label: String(n) })).runId);
    await sleep(50);
    const refused = host.deliveries.length;
    host.onDeliver = async () => "delivered";
    runtime.deliverPending(MAIN);
    await host.deliveredTimes(refused + 1);
    expect(host.deliveries.at(-1)!.map((one) => one.label)).toEqual(["1", "2", "3"]);
    await expect.poll(() => runtime.stats().outbox.pending).toBe(0);
  });
});

it("a run whose spawn asked for it has its transcript put away once it is announced", async () => {
  const { start, host, runtime } = await startRuntime({ engine: "by-task" });
  await start({ task: "echo", cleanup: "delete" });
  await host.deliveredTimes(1);
  await expect.poll(() => runtime.stats().outbox.pending).toBe(0);
  const path = /transcript: (.*)/.exec(host.delivered[0]!.message)![1]!;
  const files = () => readdirSync(dirname(path)).filter((name) => name.startsWith(basename(path)));
  await expect.poll(files).toEqual([expect.stringMatching(/\.jsonl\.deleted\./)]);
});
