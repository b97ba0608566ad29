/** The ways a child ends other than by its answer, and a word to one at work, over a broken pairing. */

import { beforeAll, describe, expect, test } from "vitest";

import type { ModelServer, RecordedRequest } from "../helpers/model-server.ts";
import { startGateway, type Gateway } from "./helpers/gateway.ts";
import { installOpenClaw } from "./helpers/install.ts";
import { profileWithPlugin } from "./helpers/plugin-profile.ts";
import { answered, registeredRuns } from "./helpers/plugin-state.ts";
import {
  afterTool,
  asked,
  callTool,
  held,
  startScriptedModel,
  toldResult,
  turnText,
} from "./helpers/scripted-model.ts";

describe.each(["pi", "openclaw"])("a child over a broken pairing, engine %s", (engine) => {
  let model: ModelServer;
  let gateway: Gateway;
  const firstStep = held(callTool("read", { path: "nowhere.txt" }));

  beforeAll(async () => {
    model = await startScriptedModel([
      [toldResult(""), "I know how it ended."],
      [asked("spawn FAILING"), spawn("FAIL-TASK", "failing")],
      [asked("FAIL-TASK"), { status: 500, message: "the model is on fire" }],
      [asked("spawn HANGING"), spawn("HANG-TASK", "hanging")],
      [asked("HANG-TASK"), { silent: true }],
      [asked("kill it"), callTool("subagents", { action: "kill", target: "hanging" })],
      [asked("spawn STEERED"), spawn("STEER-TASK", "steered")],
      [asked("STEER-TASK"), firstStep.script],
      [(request) => heard(request, "include Pluto"), "nine with Pluto"],
      [afterTool("STEER-TASK"), "eight"],
      [asked("tell it"), callTool("subagents", { action: "steer", target: "steered", message: "include Pluto" })],
      [asked("spawn LATE"), callTool("sessions_spawn", { task: "LATE-TASK", label: "late", runTimeoutSeconds: 5 })],
      [asked("LATE-TASK"), { text: "these are partial words", chunkChars: 64, hangAfterChunks: 2 }],
    ]);
    const profile = await profileWithPlugin(await installOpenClaw("2026.4.1"), {
      modelBaseUrl: model.baseUrl,
      subagents: { engine },
      narrow: true,
    });
    gateway = await startGateway(profile);
  });

  test("whose model fails is reported as failed, with the reason", async () => {
    await gateway.turn(session("failing"), "spawn FAILING");
    const told = await toldOf("failing");
    expect(told).toMatch(/^status: error$/m);
    expect(told).toMatch(/^reason: .*\(model_error\)$/m);
    expect(await runOf("failing")).toMatchObject({ outcome: { status: "error" } });
  });

  test("is ended by the core's `subagents` tool, whose answer is all the requester is told of it", async () => {
    await gateway.turn(session("hanging"), "spawn HANGING");
    await expect.poll(() => model.requests.some(asked("HANG-TASK")), { timeout: 60_000 }).toBe(true);

    await gateway.turn(session("hanging"), "kill it");

    const { opening, result } = answered(model.requests.findLast(afterTool("kill it"))!);
    expect(opening).toMatch(/^DONE, not an error/);
    expect(result).toMatchObject({ status: "ok", action: "kill" });
    await expect.poll(() => runOf("hanging")).toMatchObject({ state: "settled", outcome: { status: "killed" } });
    expect(await runOf("hanging")).toMatchObject({ delivery: "none" });
    await expect.poll(() => model.requests.find(asked("HANG-TASK"))!.abandoned).toBe(true);
  });

  test("at work hears what the core's `subagents` tool tells it", async () => {
    await gateway.turn(session("steered"), "spawn STEERED");
    await firstStep.reached;
    await gateway.turn(session("steered"), "tell it");
    const { opening, result } = answered(model.requests.findLast(afterTool("tell it"))!);
    expect(opening).toMatch(/^DONE, not an error/);
    expect(result).toMatchObject({ action: "steer", target: "steered", status: "accepted" });

    firstStep.release();

    expect(await toldOf("steered")).toContain("nine with Pluto");
    expect((await registeredRuns(gateway)).filter(({ label }) => label === "steered")).toHaveLength(1);
  });

  test("that takes too long is stopped, and what it had said is handed over", async () => {
    await gateway.turn(session("late"), "spawn LATE");
    const told = await toldOf("late");
    expect(told).toMatch(/^status: timeout$/m);
    expect(told).toContain("these are partial words");
  });

  test("needs no connection and no pairing, and is told of once at most", async () => {
    expect(model.requests.filter(toldResult("label: hanging"))).toEqual([]);
    expect(gateway.websocketConnections()).toBe(0);
    expect((await gateway.devices()).pending).toEqual([]);
  });

  /** The message that told the requester of a child, seen once. */
  async function toldOf(label: string): Promise<string> {
    const tellings = () => model.requests.filter(toldResult(`label: ${label}`)).map(turnText);
    await expect.poll(tellings, { timeout: 120_000 }).toHaveLength(1);
    return tellings()[0]!;
  }

  async function runOf(label: string) {
    return (await registeredRuns(gateway)).find((run) => run.label === label);
  }
});

function spawn(task: string, label: string) {
  return callTool("sessions_spawn", { task, label });
}

function session(name: string): string {
  return `agent:main:${name}`;
}

/** Only the child's own conversation has it in a user message. */
function heard(request: RecordedRequest, text: string): boolean {
  return request.messages.some(({ role, content }) => role === "user" && JSON.stringify(content).includes(text));
}
