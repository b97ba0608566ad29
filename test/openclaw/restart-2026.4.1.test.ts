/** A gateway that is killed while its children are at work, or while their results are being handed over. */

import { beforeAll, describe, expect, test } from "vitest";

import type { ModelServer } from "../helpers/model-server.ts";
import { startGateway, type Gateway } from "./helpers/gateway.ts";
import { installOpenClaw } from "./helpers/install.ts";
import { profileWithPlugin } from "./helpers/plugin-profile.ts";
import { registeredRuns, snapshotRegistry } from "./helpers/plugin-state.ts";
import { afterTool, asked, callTool, held, startScriptedModel, toldResult } from "./helpers/scripted-model.ts";

describe.each(["pi", "openclaw"])("a gateway that is killed, engine %s", (engine) => {
  let model: ModelServer;
  let gateway: Gateway;
  const busy = held("It is at work.");
  const early = held("It is at work.");
  const announceTurn = held("So that is that.");

  beforeAll(async () => {
    model = await startScriptedModel([
      [toldResult("status: interrupted"), "It was cut off."],
      [toldResult("HANDED-OVER"), announceTurn.script],
      [asked("spawn HANGING"), callTool("sessions_spawn", { task: "HANG-TASK", label: "hanging" })],
      [asked("HANG-TASK"), { text: "half of it", chunkChars: 64, hangAfterChunks: 2 }],
      [asked("spawn QUICK"), callTool("sessions_spawn", { task: "QUICK-TASK", label: "quick" })],
      [asked("QUICK-TASK"), "HANDED-OVER"],
      [afterTool("spawn QUICK"), busy.script],
      [asked("spawn EARLY"), callTool("sessions_spawn", { task: "EARLY-TASK", label: "early" })],
      [asked("EARLY-TASK"), "TOLD-AND-ANSWERED"],
      [afterTool("spawn EARLY"), early.script],
      [toldResult("TOLD-AND-ANSWERED"), "Heard."],
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

    await expect.poll(() => transcriptOf(CUT_OFF), { timeout: 60_000 }).toContain("It was cut off.");
    const run = await runOf("hanging");
    expect(run).toMatchObject({ state: "settled", outcome: { status: "interrupted" } });
    await expect.poll(async () => (await runOf("hanging"))!.delivery).toBe("delivered");
    // A session's turns come one after the other: a second telling would stand before this one.
    await gateway.turn(CUT_OFF, NEXT);
    expect(count(await transcriptOf(CUT_OFF), `run: ${run!.runId}`)).toBe(1);
    expect(model.requests.filter(asked("HANG-TASK"))).toHaveLength(1);
    expect(model.requests.filter(toldResult(`run: ${run!.runId}`))).toHaveLength(1);
  });

  test("before the requester's model has answered a result hands it over again: the model sees it once", async () => {
    const { run, unmarked, turn } = await settledUnderTurn(TOLD, "QUICK", "quick", busy);
    busy.release();
    await turn;
    await announceTurn.reached;
    await expect.poll(() => transcriptOf(TOLD)).toContain(`run: ${run.runId}`);
    await gateway.kill();
    announceTurn.release();
    await unmarked.restore();

    await gateway.restart();

    await expect.poll(async () => (await runOf("quick"))!.delivery, { timeout: 60_000 }).toBe("delivered");
    await gateway.turn(TOLD, NEXT);
    // OpenClaw leaves a message without an answer out of what a model is shown.
    const shown = model.requests.findLast(asked(NEXT))!.messages;
    expect(count(JSON.stringify(shown), `run: ${run.runId}`)).toBe(1);
    expect(model.requests.filter(asked("QUICK-TASK"))).toHaveLength(1);
  });

  test("between its requester's answer to a result and our mark of it doesn't tell it twice", async () => {
    const { run, unmarked, turn } = await settledUnderTurn(ANSWERED, "EARLY", "early", early);
    early.release();
    await turn;
    await expect.poll(() => transcriptOf(ANSWERED), { timeout: 60_000 }).toContain("Heard.");
    await gateway.kill();
    // The mark may have been quicker than the kill: this is what the registry holds when it wasn't.
    await unmarked.restore();
    expect((await runOf("early"))!.delivery).toBe("pending");
    const tellings = model.requests.filter(toldResult("TOLD-AND-ANSWERED")).length;

    await gateway.restart();

    await expect.poll(async () => (await runOf("early"))!.delivery, { timeout: 60_000 }).toBe("delivered");
    await gateway.turn(ANSWERED, NEXT);
    expect(count(await transcriptOf(ANSWERED), `run: ${run.runId}`)).toBe(1);
    expect(model.requests.filter(toldResult("TOLD-AND-ANSWERED"))).toHaveLength(tellings);
  });

  /** A child has settled while its requester's turn, which is held, goes on; the registry as it is then. */
  async function settledUnderTurn(sessionKey: string, word: string, label: string, hold: ReturnType<typeof held>) {
    const turn = gateway.turn(sessionKey, `spawn ${word}`);
    await hold.reached;
    await expect.poll(async () => (await runOf(label))?.delivery, { timeout: 60_000 }).toBe("pending");
    return { run: (await runOf(label))!, unmarked: await snapshotRegistry(gateway), turn };
  }

  async function transcriptOf(sessionKey: string): Promise<string> {
    return JSON.stringify(await gateway.transcript(sessionKey));
  }

  async function runOf(label: string) {
    return (await registeredRuns(gateway)).find((run) => run.label === label);
  }
});

function count(text: string, part: string): number {
  return text.split(part).length - 1;
}

const CUT_OFF = "agent:main:cut-off";
const TOLD = "agent:main:told";
const ANSWERED = "agent:main:answered";
const NEXT = "Is there anything new?";
