/** Children of a newer OpenClaw, on the config its onboarding writes, the plugin installed from the packed tarball. */

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";

import type { ModelServer, RecordedRequest } from "../helpers/model-server.ts";
import { callDeferred, deferredAnswer, deferredAnswers } from "./helpers/deferred-tools.ts";
import { startGateway, type Gateway } from "./helpers/gateway.ts";
import { installOpenClaw } from "./helpers/install.ts";
import { onboardTemplate } from "./helpers/onboard.ts";
import { editConfig, setSubagents } from "./helpers/plugin-profile.ts";
import { installPlugin, packPlugin } from "./helpers/plugin-install.ts";
import { loggedFields, registeredRuns } from "./helpers/plugin-state.ts";
import {
  afterTool,
  asked,
  callTool,
  held,
  lastToolResult,
  offeredTools,
  startScriptedModel,
  toldResult,
  toolResults,
  turnText,
} from "./helpers/scripted-model.ts";

describe("OpenClaw 2026.9.6 told to run subagents in process", () => {
  let model: ModelServer;
  let gateway: Gateway;
  const afterSpawns = held("All five are on their way.");
  const slowLeaf = held("LEAF-ANSWER slow");
  const yieldedTo = held("the one result");
  const firstStep = held(callTool("read", { path: "nowhere.txt" }));

  beforeAll(async () => {
    model = await startScriptedModel([
      [toldResult("label: reader"), "I was told of the beans."],
      [asked("spawn READER"), callDeferred(["sessions_spawn", { ...task("READ-TASK", "reader"), ...FILLED_IN }])],
      [asked("READ-TASK"), callTool("read", { path: "beans.txt" })],
      [afterTool("READ-TASK"), (request) => `The file says: ${lastToolResult(request)}`],

      [asked("spawn FIVE"), callDeferred(...NUMBERS.map((n) => spawnCall(`NUMBER-${n} please`, `number ${n}`)))],
      [afterTool("spawn FIVE"), afterSpawns.script],
      [asked(/NUMBER-\d please/), (request) => `COUNTED ${/NUMBER-(\d)/.exec(turnText(request))![1]}`],

      [toldResult("ORCHESTRATED"), "The project is done."],
      [toldResult("LEAF-ANSWER"), "ORCHESTRATED both parts"],
      [asked("LEAF-SLOW"), slowLeaf.script],
      [asked("LEAF-QUICK"), "LEAF-ANSWER quick"],
      [asked("PROJECT-TASK"), { toolCalls: ["quick", "slow"].map(leafCall) }],
      [afterTool("PROJECT-TASK"), "I wait for both."],
      [asked("spawn PROJECT"), spawn("PROJECT-TASK", "project")],

      [toldResult("label: yielded"), "It came after the yield."],
      [asked("spawn YIELDED"), spawn("YIELD-TASK", "yielded")],
      [asked("YIELD-TASK"), yieldedTo.script],
      [
        (request) => afterTool("spawn YIELDED")(request) && toolResults(request).length === 1,
        callTool("sessions_yield", { message: "for the one" }),
      ],
      [asked("remember"), "The colour is teal."],
      [asked("spawn FORK"), callDeferred(["sessions_spawn", { ...task("FORK-TASK", "forked"), context: "fork" }])],
      [asked("FORK-TASK"), "I know the colour."],

      [asked("spawn FAILING"), spawn("FAIL-TASK", "failing")],
      [asked("FAIL-TASK"), { status: 500, message: "the model is on fire" }],
      [asked("spawn HANGING"), spawn("HANG-TASK", "hanging")],
      [asked("HANG-TASK"), { silent: true }],
      [asked("kill it"), callDeferred(["subagents", { action: "kill", target: "hanging" }])],
      [asked("spawn STEERED"), spawn("STEER-TASK", "steered")],
      [asked("STEER-TASK"), firstStep.script],
      [(request) => heard(request, "include Pluto"), "nine with Pluto"],
      [afterTool("STEER-TASK"), "eight"],
      [asked("tell it"), callDeferred(["subagents", { action: "steer", target: "steered", message: "include Pluto" }])],
      [asked("spawn LATE"), callDeferred(["sessions_spawn", { ...task("LATE-TASK", "late"), runTimeoutSeconds: 1 }])],
      [asked("LATE-TASK"), { text: "these are partial words", chunkChars: 64, hangAfterChunks: 2 }],
      [asked("spawn CUT"), spawn("CUT-TASK", "cut off")],
      [asked("CUT-TASK"), { text: "half of it", chunkChars: 64, hangAfterChunks: 2 }],
    ]);
    const profile = await onboardTemplate(await installOpenClaw("2026.9.6"), { modelBaseUrl: model.baseUrl });
    const { code, output } = await installPlugin(profile, await packPlugin());
    expect(code, output).toBe(0);
    await editConfig(profile, (config) => setSubagents(config, { runtime: "inprocess" }));
    gateway = await startGateway(profile);
    await gateway.waitForLog(/openclaw-inprocess: subagents run in process: .*engine pi/);
    await writeFile(join(gateway.workspace, "beans.txt"), "seven beans");
  });

  test("answers a spawn at once as started, and its result is a turn of the session that asked", async () => {
    expect(await gateway.turn(session("reader"), "spawn READER")).toBe("ok");

    const { opening, result } = deferredAnswer(model.requests.find(afterTool("spawn READER"))!);
    expect(opening).toMatch(/^STARTED, not an error: /);
    expect(result).toMatchObject({ status: "accepted", mode: "run", taskName: "bean_reader" });
    const told = await toldOf("reader");
    expect(turnText(told)).toContain("The file says: seven beans");
    // It is the same conversation.
    expect(JSON.stringify(told.messages)).toContain("spawn READER");
    await expect.poll(() => runOf("reader"), WAIT).toMatchObject({ outcome: { status: "ok" }, delivery: "delivered" });
    expect(offeredTools(model.requests.find(asked("READ-TASK"))!)).toContain("read");
  });

  test("runs the child in another thread, with no connection to itself and no device", async () => {
    const { runId } = (await runOf("reader"))!;
    const [started] = loggedFields(gateway, "run started").filter((fields) => fields.runId === runId);
    expect(started!.threadId).toBeGreaterThan(0);
    expect(gateway.websocketConnections()).toBe(0);
    expect(await gateway.devices()).toEqual({ paired: [], pending: [] });
  });

  test("tells a busy requester of five children in one turn", async () => {
    const turn = gateway.turn(session("five"), "spawn FIVE");
    await afterSpawns.reached;
    const answers = deferredAnswers(model.requests.find(afterTool("spawn FIVE"))!, NUMBERS.length);
    expect(answers.map(({ result }) => result.status)).toEqual(NUMBERS.map(() => "accepted"));
    expect(new Set(answers.map(({ result }) => result.runId)).size).toBe(NUMBERS.length);
    const settled = async () => (await registeredRuns(gateway)).filter(isNumber).map(({ state }) => state);
    await expect.poll(settled, WAIT).toEqual(NUMBERS.map(() => "settled"));
    expect(model.requests.filter(toldResult("COUNTED"))).toEqual([]);

    afterSpawns.release();
    await turn;

    await expect.poll(() => model.requests.some(toldResult("COUNTED")), WAIT).toBe(true);
    const delivered = async () => (await registeredRuns(gateway)).filter(isNumber).map(({ delivery }) => delivery);
    await expect.poll(delivered, WAIT).toEqual(NUMBERS.map(() => "delivered"));
    const [told, ...again] = model.requests.filter(toldResult("COUNTED"));
    expect(again).toEqual([]);
    for (const n of NUMBERS) expect(turnText(told!)).toContain(`COUNTED ${n}`);
  });

  test("wakes an orchestrator once when both of its children are done, and tells the session of its answer only", async () => {
    await gateway.turn(session("project"), "spawn PROJECT");
    await slowLeaf.reached;
    await expect.poll(async () => (await runOf("quick"))?.state, WAIT).toBe("settled");
    await expect.poll(async () => (await runOf("project"))?.state, WAIT).toBe("waiting");
    slowLeaf.release();

    expect(turnText(await toldOf("project"))).toContain("ORCHESTRATED both parts");
    const [woken, ...again] = model.requests.filter(toldResult("LEAF-ANSWER"));
    expect(again).toEqual([]);
    for (const answer of ["LEAF-ANSWER quick", "LEAF-ANSWER slow"]) expect(turnText(woken!)).toContain(answer);
    const [project, slow] = [await runOf("project"), await runOf("slow")];
    expect(slow).toMatchObject({ requesterSessionKey: project!.childSessionKey, depth: 2 });
  });

  test("answers a yield for children that the core doesn't know", async () => {
    await gateway.turn(session("yielded"), "spawn YIELDED");
    const answer = deferredAnswer(model.requests.findLast(afterTool("spawn YIELDED"))!);
    expect(answer.opening).toMatch(/^DONE, not an error/);
    expect(answer.result).toMatchObject({ status: "yielded", message: "for the one" });
    yieldedTo.release();
    expect(turnText(await toldOf("yielded"))).toContain("the one result");
  });

  test("leaves a fork to the core, which has the transcript", async () => {
    await gateway.turn(session("fork"), "Please remember the colour.");
    await gateway.turn(session("fork"), "spawn FORK");
    const { opening, result } = deferredAnswer(model.requests.findLast(afterTool("spawn FORK"))!);
    expect(opening).toBe("");
    expect(result).toMatchObject({ status: "accepted", context: "fork" });
    await expect.poll(() => model.requests.some(asked("FORK-TASK")), WAIT).toBe(true);
    expect(JSON.stringify(model.requests.find(asked("FORK-TASK"))!.messages)).toContain("The colour is teal.");
    expect(await runOf("forked")).toBeUndefined();
  });

  test("reports a child whose model fails, with the reason", async () => {
    await gateway.turn(session("failing"), "spawn FAILING");
    const told = turnText(await toldOf("failing"));
    expect(told).toMatch(/^status: error$/m);
    expect(told).toMatch(/^reason: .*\(model_error\)$/m);
  });

  test("ends a child through the core's `subagents` tool, and doesn't announce what was ended on purpose", async () => {
    await gateway.turn(session("hanging"), "spawn HANGING");
    await expect.poll(() => model.requests.some(asked("HANG-TASK")), WAIT).toBe(true);

    await gateway.turn(session("hanging"), "kill it");

    const { opening, result } = deferredAnswer(model.requests.findLast(afterTool("kill it"))!);
    expect(opening).toMatch(/^DONE, not an error/);
    expect(result).toMatchObject({ status: "ok", action: "kill" });
    const killed = { state: "settled", outcome: { status: "killed" }, delivery: "none" };
    await expect.poll(() => runOf("hanging"), WAIT).toMatchObject(killed);
    await expect.poll(() => model.requests.find(asked("HANG-TASK"))!.abandoned, WAIT).toBe(true);
    expect(model.requests.filter(toldResult("label: hanging"))).toEqual([]);
  });

  test("tells a child at work something through the core's `subagents` tool", async () => {
    await gateway.turn(session("steered"), "spawn STEERED");
    await firstStep.reached;
    await gateway.turn(session("steered"), "tell it");
    const { result } = deferredAnswer(model.requests.findLast(afterTool("tell it"))!);
    expect(result).toMatchObject({ action: "steer", target: "steered", status: "accepted" });

    firstStep.release();

    expect(turnText(await toldOf("steered"))).toContain("nine with Pluto");
  });

  test("stops a child that takes too long, and hands over what it had said", async () => {
    await gateway.turn(session("late"), "spawn LATE");
    const told = turnText(await toldOf("late"));
    expect(told).toMatch(/^status: timeout$/m);
    expect(told).toContain("these are partial words");
  });

  test("shows what ran in `openclaw inprocess status`, `runs` and `doctor`", async () => {
    const commands = [["status"], ["runs"], ["doctor"]].map((args) => gateway.cli("inprocess", ...args));
    const [status, runs, doctor] = await Promise.all(commands);
    expect([status, runs, doctor].map((result) => result!.code)).toEqual([0, 0, 0]);
    expect(status!.stdout).toMatch(/^at work +0 running, 0 waiting for children, 0 queued \(by 1 gateway\)$/m);
    expect(runs!.stdout).toContain("reader");
    expect(doctor!.stdout).toMatch(/OpenClaw 2026\.9\.6/);
    expect(doctor!.stdout).toMatch(/subagents run in process/);
    expect(doctor!.stdout).toMatch(/doesn't offer its agent runner to threads/);
  });

  test("killed in mid-run settles the run as interrupted once, and tells its session once", async () => {
    await gateway.turn(session("cut"), "spawn CUT");
    await expect.poll(() => model.requests.some(asked("CUT-TASK")), WAIT).toBe(true);
    await gateway.kill();
    expect(await runOf("cut off")).toMatchObject({ state: "running" });

    await gateway.restart();

    expect(turnText(await toldOf("cut off"))).toMatch(/^status: interrupted$/m);
    const run = () => runOf("cut off");
    await expect.poll(run, WAIT).toMatchObject({ state: "settled", delivery: "delivered" });
    expect(model.requests.filter(asked("CUT-TASK"))).toHaveLength(1);
    expect(model.requests.filter(toldResult("label: cut off"))).toHaveLength(1);
  });

  /** The request that told the requester of a child, made once. */
  async function toldOf(label: string): Promise<RecordedRequest> {
    const tellings = () => model.requests.filter(toldResult(`label: ${label}`));
    await expect.poll(() => tellings().length, WAIT).toBe(1);
    return tellings()[0]!;
  }

  async function runOf(label: string) {
    return (await registeredRuns(gateway)).find((run) => run.label === label);
  }
});

function spawn(text: string, label: string) {
  return callDeferred(spawnCall(text, label));
}

function spawnCall(text: string, label: string): [string, Record<string, unknown>] {
  return ["sessions_spawn", task(text, label)];
}

/** A child calls its tools by their names. */
function leafCall(label: string) {
  return { name: "sessions_spawn", args: task(`LEAF-${label.toUpperCase()}`, label) };
}

function task(text: string, label: string) {
  return { task: text, label };
}

function isNumber({ label }: { label?: string | undefined }): boolean {
  return label?.startsWith("number") === true;
}

/** Only the child's own conversation has it in a user message. */
function heard(request: RecordedRequest, text: string): boolean {
  return request.messages.some(({ role, content }) => role === "user" && JSON.stringify(content).includes(text));
}

function session(name: string): string {
  return `agent:main:${name}`;
}

/** As models fill in a tool's optional parameters, and two that say something. */
const FILLED_IN = {
  taskName: "bean_reader",
  completionTarget: "parent",
  visible: false,
  group: "",
  worktree: false,
  placement: { kind: "local" },
};
const NUMBERS = [1, 2, 3, 4, 5];

/** As long as a loaded machine may take; nothing here is about speed. */
const WAIT = { timeout: 60_000 };
