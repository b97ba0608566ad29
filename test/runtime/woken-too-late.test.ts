/** Results that an orchestrator is woken with belong to it once the turn that brings them has opened, and not before. */

import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";

import { stateLayout } from "../../src/adapters/state-layout.ts";
import { openRegistry } from "../../src/registry/registry.ts";
import { MAIN, serveModel, startRuntime, tempFolder } from "../helpers/runtime-fixture.ts";
import { completionOf, LIMITS, newRun, settlementOf } from "../registry/fixtures/rows.ts";

it("an orchestrator whose time is up while it waits in the lane leaves its findings to its own requester, beside its own end", async () => {
  const { host, start, atItsPlace, told } = await oneSlot();
  await start({ task: "orchestrate", runTimeoutSeconds: 2 });
  await atItsPlace();
  await host.completionsCame(2);
  expect(told()).toEqual([["finding", "I have sent one"]]);
});

it("and so does one that is in the lane when the runtime is closed", async () => {
  const { start, atItsPlace, close, told } = await oneSlot();
  await start("orchestrate");
  await atItsPlace();
  await close();
  expect(told().flat()).toEqual(["finding", "I have sent one", ""]);
});

it("and one for which its tree's budget has no turn left when its place comes", async () => {
  const { host, start, atItsPlace, told, blocker } = await oneSlot({ budget: { turns: 4 } });
  await start("orchestrate");
  await atItsPlace();
  blocker.end();
  await host.completionsCame(3);
  expect(told().flat().toSorted()).toEqual(["I have sent one", "blocked long enough", "finding"]);
});

it("whose turn has opened is the one who was told, whatever becomes of it then", async () => {
  const { host, start, atItsPlace, told, blocker, findingIs } = await oneSlot();
  await start({ task: "orchestrate", runTimeoutSeconds: 4 });
  await atItsPlace();
  blocker.end();
  await expect.poll(findingIs, { timeout: 15_000 }).toBe("delivered");
  await host.completionsCame(2);
  await sleep(100);
  expect(told()).toEqual([["blocked long enough"], ["I have sent one"]]);
});

it.each([
  ["aloud", ["I have sent one"]],
  ["in silence", ["I have sent one", "in silence"]],
])(
  "of an engine that keeps the transcript itself, it has opened when the engine says anything: %s",
  async (task, expected) => {
    const { host, start } = await startRuntime({ engine: "keeps-its-own", limits: { maxSpawnDepth: 2 } });
    await start({ task, runTimeoutSeconds: 2 });
    await host.completionsCame(expected.length);
    await sleep(100);
    expect(host.delivered.map(({ text }) => text).toSorted()).toEqual(expected);
  },
);

it.each([
  ["isn't told again what stands in its transcript", true, ["end of above"]],
  ["leaves what doesn't to its own requester", false, ["end of above", "finding"]],
])("left behind by a process that died, it %s", async (_how, stands, expected) => {
  const stateDir = join(tempFolder(), "state");
  const above = newRun({ requesterSessionKey: MAIN, transcriptPath: join(tempFolder(), "above.jsonl") });
  const leaf = newRun({ requesterSessionKey: above.childSessionKey, parentRunId: above.runId });
  const completion = { ...completionOf(leaf), text: "finding" };
  const { registry: file } = stateLayout(stateDir);
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const dead = openRegistry({ file });
  dead.claimOwner();
  dead.admit(above, LIMITS);
  dead.admit(leaf, LIMITS);
  dead.settle([{ ...settlementOf(leaf), text: "finding", completion }]);
  const opening = `[Subagent result]\nkey: ${stands ? completion.key : "subagent:another"}\nrun: ${leaf.runId}`;
  writeFileSync(above.transcriptPath, `${JSON.stringify(said("user", opening))}\n`);
  await dead.close();

  const { host } = await startRuntime({ stateDir });
  await host.completionsCame(expected.length);
  await sleep(100);
  expect(host.delivered.map(({ runId, text }) => (runId === above.runId ? "end of above" : text))).toEqual(expected);
});

/** One slot: `orchestrate` sends a leaf, and when that is done something else has the slot until it is told to end. */
async function oneSlot(subagents: Record<string, unknown> = {}) {
  const blocker = Promise.withResolvers<void>();
  const leaf = Promise.withResolvers<void>();
  const server = await serveModel(async ({ lastUserText, afterToolResult }) => {
    if (lastUserText.includes("[Subagent result]")) return { silent: true };
    if (lastUserText.includes("block")) {
      await blocker.promise;
      return "blocked long enough";
    }
    if (lastUserText.includes("leaf")) {
      await leaf.promise;
      return "finding";
    }
    if (afterToolResult) return "I have sent one";
    return { toolCalls: [{ name: "sessions_spawn", args: { task: "leaf" } }] };
  });
  const limits = { maxSpawnDepth: 2, maxConcurrent: 1 };
  const fixture = await startRuntime({ model: server.model, limits, subagents });
  const { runtime, requester, host, start } = fixture;
  const above = async () => (await runtime.list(requester)).find(({ task }) => task === "orchestrate")!;
  const findingIs = async () =>
    (await runtime.list({ sessionKey: (await above()).childSessionKey, agentId: "main" }))[0]?.delivery;
  const atItsPlace = async () => {
    await expect.poll(async () => (await above()).state, { timeout: 15_000 }).toBe("waiting");
    await start("block");
    leaf.resolve();
    await expect.poll(findingIs, { timeout: 15_000, interval: 5 }).toBe("pending");
    await expect.poll(() => runtime.stats().runs, { interval: 5 }).toEqual({ queued: 1, running: 1, waiting: 0 });
  };
  const told = () => host.deliveries.map((batch) => batch.map(({ text }) => text));
  return { ...fixture, told, findingIs, atItsPlace, blocker: { end: () => blocker.resolve() } };
}

function said(role: string, text: string) {
  return { type: "message", id: "1", parentId: null, message: { role, content: [{ type: "text", text }] } };
}
