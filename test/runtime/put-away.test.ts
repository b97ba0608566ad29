import { existsSync, readdirSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { expect, it } from "vitest";

import { openRegistry } from "../../src/registry/registry.ts";
import { startRuntime, type Fixture } from "../helpers/runtime-fixture.ts";

it("a transcript that isn't to be kept is put away though nobody is told of its run", async () => {
  const fixture = await startRuntime({ engine: "by-task" });
  const silent = [
    await fixture.start({ task: "echo fire and forget", cleanup: "delete", expectsCompletionMessage: false }),
    await fixture.start({ task: "echo NO_REPLY", cleanup: "delete" }),
  ];
  for (const { runId } of silent) {
    await fixture.settled(runId);
    await expect.poll(() => filesOf(fixture, runId)).toEqual([expect.stringMatching(/\.jsonl\.deleted\./)]);
  }
  const kept = await fixture.start({ task: "echo", expectsCompletionMessage: false });
  await fixture.settled(kept.runId);
  expect(filesOf(fixture, kept.runId)).toEqual([expect.stringMatching(/\.jsonl$/)]);
});

it("the host is told of a session that isn't to be kept, announced or not, once its transcript is put away", async () => {
  const fixture = await startRuntime({ engine: "by-task" });
  const told: string[] = [];
  fixture.host.sessionPutAway = async ({ sessionKey }) => void told.push(sessionKey);
  const silent = await fixture.start({ task: "echo", cleanup: "delete", expectsCompletionMessage: false });
  await expect.poll(() => told).toEqual([silent.childSessionKey]);
  const announced = await fixture.start({ task: "echo", cleanup: "delete" });
  await expect.poll(() => told).toEqual([silent.childSessionKey, announced.childSessionKey]);
  // It was announced first.
  expect(fixture.host.delivered).toMatchObject([{ runId: announced.runId }]);
  expect(filesOf(fixture, announced.runId)).toEqual([expect.stringMatching(/\.jsonl\.deleted\./)]);
  const kept = await fixture.start("echo");
  await fixture.host.completionsCame(2);
  await fixture.close();
  expect(told).not.toContain(kept.childSessionKey);
});

it("a killed run's transcript is put away once its thread has let go of it, and one that wrote none leaves none", async () => {
  const fixture = await startRuntime({ engine: "by-task", limits: { maxConcurrent: 1 } });
  const { start, runtime, requester, settled } = fixture;
  const running = await start({ task: "waits", cleanup: "delete" });
  const queued = await start({ task: "waits", cleanup: "delete" });
  await expect.poll(() => existsSync(transcriptOf(fixture, running.runId))).toBe(true);
  await runtime.kill("all", requester);
  await settled(running.runId);
  await expect.poll(() => filesOf(fixture, running.runId)).toEqual([expect.stringMatching(/\.jsonl\.deleted\./)]);
  expect(filesOf(fixture, queued.runId)).toEqual([]);
});

it("a session that is interrupted keeps its transcript until its last run is over", async () => {
  const fixture = await startRuntime({ engine: "by-task" });
  const { start, runtime, requester, settled } = fixture;
  const first = await start({ task: "waits", cleanup: "delete" });
  await expect.poll(() => existsSync(transcriptOf(fixture, first.runId))).toBe(true);
  const again = await runtime.steer("last", "once more", requester, { interrupt: true });
  const { runId } = again as { runId: string };
  await settled(first.runId);
  await expect.poll(() => runtime.stats().runs.running).toBe(1);
  expect(filesOf(fixture, first.runId)).toEqual([expect.stringMatching(/\.jsonl$/)]);
  await runtime.kill(runId, requester);
  await expect.poll(() => filesOf(fixture, first.runId)).toEqual([expect.stringMatching(/\.jsonl\.deleted\./)]);
});

function filesOf(fixture: Fixture, runId: string): string[] {
  const path = transcriptOf(fixture, runId);
  if (!existsSync(dirname(path))) return [];
  return readdirSync(dirname(path)).filter((name) => name.startsWith(basename(path)));
}

function transcriptOf({ stateDir }: Fixture, runId: string): string {
  const registry = openRegistry({ file: join(stateDir, "registry.sqlite"), readOnly: true });
  const { transcriptPath } = registry.run(runId)!;
  void registry.close();
  return transcriptPath;
}
