import { join } from "node:path";
import { expect, it } from "vitest";

import { openRegistry } from "../../src/registry/registry.ts";
import { startRuntime, type Fixture } from "../helpers/runtime-fixture.ts";

it("a main session's children stand under the turn it says it is in", async () => {
  const fixture = await startRuntime({ engine: "by-task" });
  const one = await fixture.start("echo", { ...fixture.requester, turnId: "turn-1" });
  const two = await fixture.start("echo");
  expect(turnsOf(fixture, [one.runId, two.runId])).toEqual(["turn-1", undefined]);
});

it("a child's children stand under the turn it is in, whatever it says, and another turn is another one", async () => {
  const fixture = await startRuntime({ engine: "by-task", limits: { maxSpawnDepth: 2 } });
  const { start, runtime, requester } = fixture;
  const parent = await start("waits");
  await expect.poll(() => runtime.stats().runs.running).toBe(1);
  const asParent = { sessionKey: parent.childSessionKey, agentId: "main", turnId: "made up" };
  const first = [await start("waits", asParent), await start("waits", asParent)];
  expect(turnsOf(fixture, ids(first))).toEqual([`${parent.runId}:1`, `${parent.runId}:1`]);
  const steered = await runtime.steer(parent.runId, "again", requester, { interrupt: true });
  const later = await start("waits", asParent);
  expect(turnsOf(fixture, ids([later]))[0]).toMatch(new RegExp(`^${(steered as { runId: string }).runId}:`));
});

it("an orchestrator that is woken is in a turn of its own", async () => {
  const fixture = await startRuntime({ engine: "spawns-each-turn", limits: { maxSpawnDepth: 2 } });
  const parent = await fixture.start("two turns");
  await fixture.settled(parent.runId);
  const children = await fixture.runtime.list(
    { ...fixture.requester, sessionKey: parent.childSessionKey },
    { recentMinutes: 5 },
  );
  const runIds = children.map((child) => child.runId);
  expect(turnsOf(fixture, runIds)).toEqual([`${parent.runId}:1`, `${parent.runId}:2`]);
});

function ids(runs: { runId: string }[]): string[] {
  return runs.map(({ runId }) => runId);
}

function turnsOf({ stateDir }: Fixture, runIds: string[]): (string | undefined)[] {
  const registry = openRegistry({ file: join(stateDir, "registry.sqlite"), readOnly: true });
  const turns = runIds.map((runId) => registry.run(runId)!.turnId);
  void registry.close();
  return turns;
}
