import { readdirSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";

import { stateLayout } from "../../src/adapters/state-layout.ts";
import { openRegistry } from "../../src/registry/registry.ts";
import {
  closeAfterTest,
  gate,
  MAIN,
  serveModel,
  startRuntime,
  tempFolder,
  type FixtureOptions,
} from "../helpers/runtime-fixture.ts";
import { completionOf, LIMITS, newRun, settlementOf } from "../registry/fixtures/rows.ts";

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

  it("is told of each turn's children together, whatever those of another turn still do", async () => {
    const file = join(tempFolder(), "go");
    const { start, settled, host, requester } = await startRuntime(TOGETHER);
    const [first, second] = ["1", "2"].map((turnId) => ({ ...requester, turnId }));
    const slow = await start(`finishes-when-told ${file}`, second);
    await start({ task: "waits", label: "wants no answer", expectsCompletionMessage: false }, first);
    const runs = await Promise.all(["a", "b"].map((label) => start({ task: "echo", label }, first)));
    await host.deliveredTimes(1);
    expect(host.deliveries.map((batch) => batch.map((one) => one.label).toSorted())).toEqual([["a", "b"]]);
    await settled((await start({ task: "echo", label: "c" }, second)).runId);
    await sleep(50);
    expect(host.deliveries).toHaveLength(1);
    writeFileSync(file, "");
    await host.deliveredTimes(2);
    expect(host.deliveries[1]!.map((one) => one.runId)).toContain(slow.runId);
    expect(host.deliveries[1]).toHaveLength(2);
    expect(runs).toHaveLength(2);
  });

  it("is told together also of what another process's child of the same turn has still to end", async () => {
    const { start, settled, host, requester, stateDir } = await startRuntime(TOGETHER);
    const other = openRegistry({ file: stateLayout(stateDir).registry });
    closeAfterTest(() => other.close());
    other.claimOwner();
    const theirs = newRun({ requesterSessionKey: MAIN, turnId: "1", expectsCompletion: true });
    other.admit(theirs, LIMITS);
    const run = await start("echo ours", { ...requester, turnId: "1" });
    await settled(run.runId);
    await sleep(50);
    expect(host.deliveries).toEqual([]);
    // Nobody nudges this process for it.
    other.settle([settlementOf(theirs)]);
    await host.deliveredTimes(1);
    expect(host.delivered.map((one) => one.runId)).toEqual([run.runId]);
  });

  it("is told together also by a process that comes after the one that asked", async () => {
    const stateDir = tempFolder();
    const dead = openRegistry({ file: stateLayout(stateDir).registry });
    dead.claimOwner();
    const runs = [1, 2, 3].map((n) => newRun({ turnId: n < 3 ? "1" : "2", label: String(n), task: "work" }));
    for (const run of runs) dead.admit(run, LIMITS);
    dead.settle([settlementOf(runs[0]!, { completion: completionOf(runs[0]!, { label: "1" }) })]);
    await dead.close();
    const { host } = await startRuntime({ ...TOGETHER, stateDir });
    await host.completionsCame(3);
    const batch = host.deliveries.find((one) => one.some(({ label }) => label === "1"))!;
    expect(batch.map(({ label, outcome }) => [label, outcome.status])).toEqual(
      expect.arrayContaining([
        ["1", "ok"],
        ["2", "interrupted"],
      ]),
    );
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

describe("what is announced of a run that failed", () => {
  it("is its failure alone; what it had said stays in its record and can be read", async () => {
    const server = await serveModel(() => ({ text: "half of what I know", chunkChars: 4, dropAfterChunks: 3 }));
    const { start, host, runtime, requester, stateDir } = await startRuntime({ model: server.model });
    const run = await start("tell me");
    await host.deliveredTimes(1);
    const [completion] = host.delivered;
    expect(completion).toMatchObject({ outcome: { status: "error" }, text: "" });
    expect(completion!.message).not.toContain("half");
    expect(completion!.message).toMatch(/^output: left out/m);
    expect((await runtime.wait([run.runId], requester)).completed).toMatchObject([{ text: "" }]);
    const registry = openRegistry({ file: stateLayout(stateDir).registry, readOnly: true });
    closeAfterTest(() => registry.close());
    expect(registry.run(run.runId)!.text).toMatch(/^half/);
  });
});

describe("a private result", () => {
  it("says so to the host and to the model, and is nobody else's when its requester is gone", async () => {
    const { start, host, runtime, requester } = await startRuntime({ engine: "by-task" });
    await start({ task: "echo secret", completionTarget: "parent" });
    await start("echo open");
    await host.completionsCame(2);
    const of = (task: string) => host.delivered.find((one) => one.task === task)!;
    expect(of("echo secret")).toMatchObject({ completionTarget: "parent" });
    expect(of("echo secret").message).toMatch(/^private: /m);
    expect(of("echo open")).not.toHaveProperty("completionTarget");

    host.onDeliver = async () => "gone";
    const run = await start({ task: "echo lost", completionTarget: "parent" });
    await expect.poll(() => runtime.stats().outbox).toEqual({ pending: 0, undelivered: 1 });
    const { completed } = await runtime.wait([run.runId], requester);
    expect(completed).toMatchObject([{ text: expect.stringContaining("echo lost") as string }]);
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

const TOGETHER: FixtureOptions = {
  engine: "by-task",
  subagents: { announce: { mode: "together" } },
  limits: { maxChildrenPerAgent: 20 },
};
