import { fork } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, test } from "vitest";

import { childOf, completionOf, LIMITS, MAIN, newRun, settlementOf, USAGE } from "./fixtures/rows.ts";
import { interruptedCompletion, NO_SUCH_PID, openForTest, openOwned, STORES, tempFile } from "./support.ts";

type Admitted = { ownerId: string; runIds: string[]; settledRunId: string };

const processes: ChildProcess[] = [];

afterEach(async () => {
  for (const child of processes.splice(0)) await end(child);
});

describe.each(STORES)("recovery in $name", ({ file }) => {
  test("with nobody gone, nothing is taken", () => {
    const registry = openOwned(file());
    registry.admit(newRun(), LIMITS);
    expect(registry.takeOverDead(Date.now(), interruptedCompletion)).toEqual([]);
    expect(registry.countUnsettled()).toBe(1);
  });

  test("what an owner left when it let go is settled as interrupted, and owed only where it is expected", () => {
    const registry = openOwned(file());
    const [loud, quiet] = [newRun({ label: "loud" }), newRun({ label: "quiet", expectsCompletion: false })];
    const below = childOf(loud, { label: "below" });
    for (const run of [loud, quiet, below]) registry.admit(run, LIMITS);
    registry.setState(loud.runId, "running", 500);
    registry.releaseOwner();

    const settled = registry.takeOverDead(3_000, interruptedCompletion);
    expect(settled.map((run) => run.label)).toEqual(["loud", "quiet", "below"]);
    expect(settled[0]).toMatchObject({
      state: "settled",
      outcome: { status: "interrupted", cause: { code: "run_interrupted" } },
      text: "partial of loud",
      usage: USAGE,
      endedAt: 3_000,
      pendingDescendants: 0,
      delivery: "pending",
    });
    expect(settled[1]).toMatchObject({ text: "partial of quiet", delivery: "none" });
    const due = registry.outbox.due(3_000);
    expect(due.map((row) => row.runId)).toEqual([loud.runId, below.runId]);
    expect(due[0]?.completion.outcome.status).toBe("interrupted");
    expect(registry.takeOverDead(4_000, interruptedCompletion)).toEqual([]);
  });

  test("what an owner asked a gateway for, and heard nothing of, is a run that it left, once", () => {
    const registry = openOwned(file());
    const asked = newRun({ label: "asked", idempotencyKey: "turn-1" });
    const taken = newRun({ label: "taken", idempotencyKey: "turn-2" });
    const other = newRun({ label: "of another process", idempotencyKey: "turn-2" });
    for (const run of [asked, taken]) registry.intents.write(run.runId, { askedAt: 1_000, gateway: "ws://g", run });
    registry.admit(other, LIMITS);
    expect(registry.adoptDead(Date.now(), () => true)).toEqual([]);
    registry.releaseOwner();
    const left = registry.takeOverDead(3_000, interruptedCompletion);
    expect(left.map((run) => run.label).toSorted()).toEqual(["asked", "of another process"]);
    expect(registry.takeOverDead(4_000, interruptedCompletion)).toEqual([]);
  });

  test("of a session whose run was just being given up for another, one end is owed", () => {
    const registry = openOwned(file());
    const old = newRun();
    const anew = newRun({ childSessionKey: old.childSessionKey });
    registry.admit(old, LIMITS);
    registry.restart(anew, old.runId);
    registry.releaseOwner();
    expect(registry.takeOverDead(3_000, interruptedCompletion)).toHaveLength(2);
    expect(registry.outbox.due(3_000).map((row) => row.runId)).toEqual([anew.runId]);
  });
});

test("completions a dead owner didn't deliver become the new owner's, due at once; its row goes", () => {
  const file = tempFile();
  const dead = openOwned(file, { pid: NO_SUCH_PID });
  const run = newRun();
  dead.admit(run, LIMITS);
  dead.settle([settlementOf(run)]);
  dead.outbox.postpone([completionOf(run).key], 99_999_999_999_999, "busy");

  const registry = openOwned(file);
  expect(registry.outbox.pendingFor(MAIN)).toEqual([]);
  expect(registry.takeOverDead(Date.now(), interruptedCompletion)).toEqual([]);
  expect(registry.outbox.due(Date.now())).toMatchObject([
    { runId: run.runId, attempts: 1, completion: completionOf(run) },
  ]);
  expect(registry.owners().map((owner) => owner.id)).toEqual([registry.ownerId]);
});

test("an owner that renews its lease while it is being looked at keeps its runs", () => {
  const file = tempFile();
  const [slow, other] = [openOwned(file, { host: "elsewhere", pid: NO_SUCH_PID }), openOwned(file)];
  slow.admit(newRun(), LIMITS);
  slow.claimOwner(0);
  const settled = other.takeOverDead(Date.now(), (run) => {
    slow.claimOwner(Date.now());
    return completionOf(run);
  });
  expect(settled).toEqual([]);
  expect(slow.countUnsettled()).toBe(1);
});

test("an owner whose runs were taken over wrongly settles nothing a second time", () => {
  const file = tempFile();
  const [lost, other] = [openOwned(file, { pid: NO_SUCH_PID }), openOwned(file)];
  const run = newRun();
  lost.admit(run, LIMITS);
  expect(other.takeOverDead(Date.now(), interruptedCompletion)).toHaveLength(1);
  expect(lost.settle([settlementOf(run)])).toEqual({ settled: [], already: [run.runId], unknown: [] });
  expect(other.run(run.runId)?.outcome?.status).toBe("interrupted");
  expect(lost.outbox.counts().pending).toBe(0);
});

test("a completion that can't be built leaves everything to the next recovery", () => {
  const file = tempFile();
  const [dead, registry] = [openOwned(file, { pid: NO_SUCH_PID }), openOwned(file)];
  dead.admit(newRun(), LIMITS);
  expect(() =>
    registry.takeOverDead(Date.now(), () => {
      throw new Error("no transcript");
    }),
  ).toThrow("no transcript");
  expect(registry.takeOverDead(Date.now(), interruptedCompletion)).toHaveLength(1);
});

test("a killed process's runs are settled exactly once by two that start at the same time; a living one's stay", async () => {
  const file = tempFile();
  const killed = await start("owner.ts", file, "40");
  const living = await start("owner.ts", file, "5");
  const recoverers = await Promise.all([start("recoverer.ts", file), start("recoverer.ts", file)]);
  await end(killed.child, "SIGKILL");

  const answers = recoverers.map(({ child }) => once(child, "message"));
  for (const { child } of recoverers) child.send("go");
  const results = (await Promise.all(answers)).map(([message]) => message as { settled: string[]; due: string[] });

  const left = killed.said as Admitted;
  expect(results.flatMap((result) => result.settled).sort()).toEqual([...left.runIds].sort());
  const owed = [...left.runIds.filter((_id, index) => index % 2 === 0), left.settledRunId];
  expect(results.flatMap((result) => result.due).sort()).toEqual(owed.sort());

  const look = openForTest({ file, readOnly: true });
  for (const runId of left.runIds) expect(look.run(runId)?.outcome?.status).toBe("interrupted");
  for (const runId of (living.said as Admitted).runIds) expect(look.run(runId)?.outcome).toBeUndefined();
  expect(look.run((living.said as Admitted).settledRunId)).toMatchObject({
    outcome: { status: "ok" },
    delivery: "pending",
  });
});

test("a process that ends in order leaves no owner row; what it left undelivered is taken over", async () => {
  const file = tempFile();
  const { child, said } = await start("owner.ts", file, "2");
  child.send("close");
  await once(child, "exit");
  const registry = openOwned(file);
  expect(registry.owners()).toHaveLength(1);
  expect(registry.takeOverDead(Date.now(), interruptedCompletion)).toHaveLength(2);
  expect(registry.outbox.due(Date.now()).map((row) => row.runId)).toContain((said as Admitted).settledRunId);
});

test("somebody who only looks sees a busy writer's rows, writes nothing and needs no owner", async () => {
  const file = tempFile();
  const { child, said } = await start("owner.ts", file, "3");
  child.send("flood");
  const look = openForTest({ file, readOnly: true });
  expect(look.unsettledChildren(MAIN)).toHaveLength(3);
  const before = look.listRuns({ limit: 10_000 }).length;
  await expect.poll(() => look.listRuns({ limit: 10_000 }).length, { timeout: 20_000 }).toBeGreaterThan(before + 50);
  expect(look.owners().map((owner) => owner.id)).toEqual([(said as Admitted).ownerId]);
  for (const write of [
    () => look.claimOwner(),
    () => look.settle([settlementOf(newRun())]),
    () => look.setState("r", "running", 1),
    () => look.outbox.markDelivered(["k"]),
    () => look.purgeOlderThan(),
  ]) {
    expect(write).toThrow(/opened to look only/);
  }

  await end(child, "SIGKILL");
  expect(openForTest({ file, readOnly: true }).unsettledChildren(MAIN)).toHaveLength(3);
});

async function start(fixture: string, ...args: string[]): Promise<{ child: ChildProcess; said: unknown }> {
  const child = fork(fileURLToPath(new URL(`./fixtures/${fixture}`, import.meta.url)), args, { execArgv: [] });
  processes.push(child);
  const [said] = (await once(child, "message")) as [unknown];
  return { child, said };
}

async function end(child: ChildProcess, signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill(signal);
  await once(child, "exit");
}
