/** A gateway that is killed while its children are at work, or while their results are being handed over. */

import { beforeAll, describe, expect, test } from "vitest";

import type { ModelServer } from "../helpers/model-server.ts";
import { startGateway, type Gateway } from "./helpers/gateway.ts";
import { installOpenClaw } from "./helpers/install.ts";
import { profileWithPlugin } from "./helpers/plugin-profile.ts";
import { loggedFields, registeredRuns, snapshotRegistry } from "./helpers/plugin-state.ts";
import { afterTool, asked, callTool, held, startScriptedModel, toldResult } from "./helpers/scripted-model.ts";

describe.each(["pi", "openclaw"])("a gateway that is killed, engine %s", (engine) => {
  let model: ModelServer;
  let gateway: Gateway;
  const busy = held("It is at work.");
  const announceTurn = held("never said");

  beforeAll(async () => {
    model = await startScriptedModel([
      [toldResult("status: interrupted"), "It was cut off."],
      [toldResult("HANDED-OVER"), announceTurn.script],
      [asked("spawn HANGING"), callTool("sessions_spawn", { task: "HANG-TASK", label: "hanging" })],
      [asked("HANG-TASK"), { text: "half of it", chunkChars: 64, hangAfterChunks: 2 }],
      [asked("spawn QUICK"), callTool("sessions_spawn", { task: "QUICK-TASK", label: "quick" })],
      [asked("QUICK-TASK"), "HANDED-OVER"],
      [afterTool("spawn QUICK"), busy.script],
    ]);
    const profile = await profileWithPlugin(await installOpenClaw("2026.4.1"), {
      modelBaseUrl: model.baseUrl,
      subagents: { engine },
      narrow: true,
    });
    gateway = await startGateway(profile);
  });

  test("in mid-run settles the run as interrupted, once, and tells its requester once", async () => {
    await gateway.turn(CUT_OFF, "spawn HANGING");
    await expect.poll(() => model.requests.some(asked("HANG-TASK")), { timeout: 60_000 }).toBe(true);
    await gateway.kill();
    expect(await runOf("hanging")).toMatchObject({ state: "running" });

    await gateway.restart();

    const transcript = async () => JSON.stringify(await gateway.transcript(CUT_OFF));
    await expect.poll(transcript, { timeout: 60_000 }).toContain("It was cut off.");
    const run = await runOf("hanging");
    expect(run).toMatchObject({ state: "settled", outcome: { status: "interrupted" } });
    await expect.poll(async () => (await runOf("hanging"))!.delivery).toBe("delivered");
    // A session's turns come one after the other: a second telling would stand before this one.
    await gateway.turn(CUT_OFF, NEXT);
    expect(count(await transcript(), `run: ${run!.runId}`)).toBe(1);
    expect(model.requests.filter(asked("HANG-TASK"))).toHaveLength(1);
    expect(model.requests.filter(toldResult(`run: ${run!.runId}`))).toHaveLength(1);
  });

  test("between its acceptance of a result and our mark of it has the result in the transcript once", async () => {
    const turn = gateway.turn(TOLD, "spawn QUICK");
    await busy.reached;
    await expect.poll(async () => (await runOf("quick"))?.delivery, { timeout: 60_000 }).toBe("pending");
    const unmarked = await snapshotRegistry(gateway);
    busy.release();
    await turn;
    await announceTurn.reached;
    const run = (await runOf("quick"))!;
    const transcript = async () => JSON.stringify(await gateway.transcript(TOLD));
    await expect.poll(transcript).toContain(`run: ${run.runId}`);
    await gateway.kill();
    // The mark may have been quicker than the kill: this is what the registry holds when it wasn't.
    await unmarked.restore();
    expect((await runOf("quick"))!.delivery).toBe("pending");
    const tellings = model.requests.filter(toldResult("HANDED-OVER")).length;

    await gateway.restart();

    await expect.poll(async () => (await runOf("quick"))!.delivery, { timeout: 60_000 }).toBe("delivered");
    await gateway.turn(TOLD, NEXT);
    expect(count(await transcript(), `run: ${run.runId}`)).toBe(1);
    console.log("NEXT SEES", JSON.stringify(model.requests.find(asked(NEXT))!.messages.slice(-3)).slice(0, 3000), JSON.stringify(model.requests.findLast(asked(NEXT))!.messages.slice(-3)).slice(0, 3000));
    expect(model.requests.filter(toldResult("HANDED-OVER"))).toHaveLength(tellings);
    expect(model.requests.filter(asked("QUICK-TASK"))).toHaveLength(1);
    expect(loggedFields(gateway, "run delivered").some(({ runId }) => runId === run.runId)).toBe(true);
  });

  async function runOf(label: string) {
    return (await registeredRuns(gateway)).find((run) => run.label === label);
  }
});

function count(text: string, part: string): number {
  return text.split(part).length - 1;
}

const CUT_OFF = "agent:main:cut-off";
const TOLD = "agent:main:told";
const NEXT = "Is there anything new?";
