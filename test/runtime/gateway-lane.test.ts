/** Children that wait in a gateway's lane, where nothing reaches them: what becomes of a kill, a steer and a close. */

import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { openRegistry } from "../../src/registry/registry.ts";
import { connectTo, openGateway, type GatewayFixture } from "../helpers/gateway-fixture.ts";
import type { ModelServer } from "../helpers/model-server.ts";
import { closeAfterTest, gate, tempFolder } from "../helpers/runtime-fixture.ts";
import { scriptGateway } from "../helpers/scripted-gateway.ts";
import { NO_SUCH_PID } from "../registry/support.ts";

/** A gateway with room for one, which is taken until `open` is called. What comes after that never ends by itself. */
async function fullGateway() {
  const { opened, open } = gate();
  closeAfterTest(async () => open());
  const { gateway, model } = await openGateway(
    async ({ lastUserText }) => {
      if (lastUserText.endsWith("first")) await opened;
      return lastUserText.endsWith("endless") ? { silent: true } : `did ${lastUserText.split("\n").at(-1)!}`;
    },
    { limits: { maxConcurrent: 1 } },
  );
  const first = await connectTo(gateway);
  await first.start("first");
  await expect.poll(() => model.requests.length).toBe(1);
  return { gateway, model, first, open };
}

/** What the model was asked for so far, without those it was left alone with. */
function done({ requests }: ModelServer): string[] {
  return requests.filter(({ abandoned }) => !abandoned).map(({ lastUserText }) => lastUserText.split("\n").at(-1)!);
}

async function outcomeOf({ runtime, requester }: GatewayFixture, runId: string): Promise<string | undefined> {
  const { completed } = await runtime.wait([runId], requester, { timeoutMs: 20_000 });
  return completed[0]?.outcome?.status;
}

describe("a child in the gateway's lane", () => {
  it("that is killed isn't said to be ended, and is as soon as it begins", async () => {
    const { gateway, model, open } = await fullGateway();
    const killer = await connectTo(gateway);
    const { runId } = await killer.start({ task: "endless", label: "Waits" });
    const killed = await killer.runtime.kill("all", killer.requester);
    expect(killed).toMatchObject({ status: "ok", runId, killed: 0, labels: [] });
    expect(killed.text).toContain("Waits waits in the gateway's queue");
    expect(await killer.runtime.list(killer.requester)).toMatchObject([{ state: "queued" }]);
    const steered = await killer.runtime.steer("last", "go on", killer.requester, { interrupt: true });
    expect(steered).toMatchObject({ status: "done" });
    open();
    expect(await outcomeOf(killer, runId)).toBe("killed");
    // The next has the lane, so the one before has let go of it.
    await killer.start("next");
    await killer.host.completionsCame(1);
    expect(done(model)).toEqual(["first", "next"]);
    expect(killer.host.delivered).toMatchObject([{ text: "did next" }]);
  });

  it("that is killed is waited for no more, is said to be ended there, and makes room for another", async () => {
    const { gateway, open } = await fullGateway();
    const { runtime, requester, start, spawn } = await connectTo(gateway, { limits: { maxChildrenPerAgent: 1 } });
    const { runId } = await start("endless");
    const waited = runtime.wait([runId], requester);
    expect(await spawn("next")).toMatchObject({ status: "forbidden" });
    await runtime.kill("last", requester);
    const ended = { completed: [{ runId, outcome: { status: "killed" } }], pending: [], timedOut: false };
    expect(await waited).toMatchObject(ended);
    const again = await runtime.wait([runId], requester);
    expect(again).toMatchObject(ended);
    expect(again.completed[0]!.outcome.cause!.message).toContain("is ended there on beginning");
    const next = await start("next");
    open();
    expect((await runtime.wait([next.runId], requester)).completed).toMatchObject([{ text: "did next" }]);
  });

  it("that is killed keeps nothing of its requester's turn waiting", async () => {
    const { gateway, first, open } = await fullGateway();
    const { runtime, requester, start, host } = await connectTo(gateway, {
      subagents: { announce: { mode: "together" } },
    });
    await start("second");
    await first.start("endless");
    await start("third");
    await runtime.kill("last", requester);
    open();
    await host.completionsCame(1);
    expect(host.delivered).toMatchObject([{ text: "did second" }]);
    expect(await runtime.list(requester)).toMatchObject([{ state: "settled" }, { state: "queued" }]);
  });

  it("that was killed is ended by the next process when the one that was told so is gone", async () => {
    const { gateway, model, first, open } = await fullGateway();
    const folder = tempFolder();
    const dead = openRegistry({ file: join(folder, "registry.sqlite"), owner: { pid: NO_SUCH_PID, startTime: "0" } });
    const before = await connectTo(gateway, { registry: dead, identityFile: join(folder, "one.json") });
    const { runId } = await before.start("endless");
    await before.runtime.kill("last", before.requester);
    // It hears of nothing any more.
    await before.runtime.close();
    const after = await connectTo(gateway, { folder });
    open();
    await first.host.completionsCame(1);
    await expect.poll(() => after.runtime.stats().runs).toMatchObject({ queued: 0, running: 0 });
    const view = openRegistry({ file: join(folder, "registry.sqlite"), readOnly: true });
    closeAfterTest(() => view.close());
    expect(view.run(runId)).toMatchObject({ state: "settled", outcome: { status: "killed" } });
    expect(after.host.delivered).toEqual([]);
    await first.start("next");
    await first.host.completionsCame(2);
    expect(done(model)).toEqual(["first", "next"]);
  });

  it("is left by a process that closes to the next one, which brings its result home", async () => {
    const { gateway, open } = await fullGateway();
    const before = await connectTo(gateway);
    const { runId } = await before.start("second");
    const waited = before.runtime.wait([runId], before.requester);
    await before.runtime.close();
    expect(await waited).toMatchObject({ completed: [], pending: [runId] });
    expect(before.log()).toContain("wait in the gateway's queue");
    const after = await connectTo(gateway, { folder: before.folder });
    open();
    await after.host.completionsCame(1);
    expect(after.host.delivered).toMatchObject([{ runId, text: "did second", outcome: { status: "ok" } }]);
  });

  it("is taken for one that has begun: the message that would come after its work is taken back", async () => {
    const gateway = await scriptGateway({
      agent: ({ params, ok, tell }) => {
        const runId = params["idempotencyKey"];
        ok({ runId, status: "accepted" });
        tell("agent", { runId, stream: "lifecycle", data: { phase: "start" } });
      },
      "sessions.steer": ({ params, ok }) => ok({ runId: params["idempotencyKey"], status: "started" }),
    });
    const { runtime, requester, start } = await connectTo(gateway);
    const { runId } = await start("a");
    const steered = await runtime.steer("last", "TOLD", requester, { interrupt: true });
    expect(steered).toMatchObject({ status: "error", code: "gateway_refused" });
    const asked = (name: string) => gateway.calls.findLast(({ method }) => method === name)!.params;
    expect(asked("sessions.abort")["runId"]).toBe(asked("sessions.steer")["idempotencyKey"]);
    expect(await runtime.list(requester)).toMatchObject([{ runId, state: "running" }]);
  });

  it("can't be redirected, is told so, and does what it was asked for", async () => {
    const { gateway, model, open } = await fullGateway();
    const { runtime, requester, start, host } = await connectTo(gateway);
    const { runId } = await start({ task: "second", label: "Waits" });
    const steered = await runtime.steer("last", "TOLD", requester, { interrupt: true });
    expect(steered).toMatchObject({ status: "error", code: "gateway_refused" });
    expect(steered.text).toContain("Waits waits in the gateway's queue");
    expect((await gateway.seen()).calls.map(({ method }) => method)).not.toContain("sessions.steer");
    open();
    await host.completionsCame(1);
    expect(host.delivered).toMatchObject([{ runId, text: "did second" }]);
    expect(done(model)).toEqual(["first", "second"]);
  });
});
