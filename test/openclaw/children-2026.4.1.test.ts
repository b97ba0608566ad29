/** Several children, and children of children, over a broken pairing. */

import { beforeAll, describe, expect, test } from "vitest";

import type { ModelServer } from "../helpers/model-server.ts";
import { startGateway, type Gateway } from "./helpers/gateway.ts";
import { installOpenClaw } from "./helpers/install.ts";
import { profileWithPlugin } from "./helpers/plugin-profile.ts";
import { allAnswered, registeredRuns } from "./helpers/plugin-state.ts";
import {
  afterTool,
  asked,
  callTool,
  held,
  offeredTools,
  startScriptedModel,
  toldResult,
  turnText,
} from "./helpers/scripted-model.ts";

describe.each(["pi", "openclaw"])("children over a broken pairing, engine %s", (engine) => {
  let model: ModelServer;
  let gateway: Gateway;
  const afterSpawns = held("All five are on their way.");
  const slowLeaf = held("LEAF-ANSWER slow");

  beforeAll(async () => {
    model = await startScriptedModel([
      [asked(FIVE), { toolCalls: NUMBERS.map((n) => spawnCall(`NUMBER-${n} please`, `number ${n}`)) }],
      [afterTool(FIVE), afterSpawns.script],
      [asked(/NUMBER-\d please/), (request) => `COUNTED ${/NUMBER-(\d)/.exec(turnText(request))![1]}`],
      [toldResult("COUNTED"), "The sum is 15."],

      [toldResult("ORCHESTRATED"), "The project is done."],
      [toldResult("LEAF-ANSWER"), "ORCHESTRATED both parts"],
      [asked("LEAF-SLOW"), slowLeaf.script],
      [asked("LEAF-QUICK"), "LEAF-ANSWER quick"],
      [asked(PROJECT), { toolCalls: [spawnCall("LEAF-QUICK", "quick"), spawnCall("LEAF-SLOW", "slow")] }],
      [afterTool(PROJECT), "I wait for both."],
      [asked(TURN), callTool("sessions_spawn", { task: PROJECT, label: "project" })],
    ]);
    const profile = await profileWithPlugin(await installOpenClaw("2026.4.1"), {
      modelBaseUrl: model.baseUrl,
      subagents: { engine },
      narrow: true,
      edit: (config) => (config.agents.defaults.subagents = { maxSpawnDepth: 2 }),
    });
    gateway = await startGateway(profile);
  });

  test("five at once are five runs, and one turn tells a busy requester of all", async () => {
    const connections = gateway.websocketConnections();
    const turn = gateway.turn(FIVE_SESSION, FIVE);
    await afterSpawns.reached;
    const accepted = allAnswered(model.requests.find(afterTool(FIVE))!).map(({ result }) => result);
    expect(accepted.map(({ status }) => status)).toEqual(NUMBERS.map(() => "accepted"));
    expect(new Set(accepted.map(({ runId }) => runId)).size).toBe(5);
    await expect.poll(() => states("number"), { timeout: 90_000 }).toEqual(NUMBERS.map(() => "settled ok"));
    expect(model.requests.filter(toldResult("COUNTED"))).toEqual([]);

    afterSpawns.release();
    await turn;

    const transcript = async () => JSON.stringify(await gateway.transcript(FIVE_SESSION));
    await expect.poll(transcript, { timeout: 30_000 }).toContain("The sum is 15.");
    const told = model.requests.filter(toldResult("COUNTED"));
    expect(told).toHaveLength(1);
    for (const n of NUMBERS) expect(turnText(told[0]!)).toContain(`COUNTED ${n}`);
    for (const { runId } of accepted) expect(count(await transcript(), `run: ${String(runId)}`)).toBe(1);
    expect(gateway.websocketConnections()).toBe(connections);
    expect((await gateway.devices()).pending).toEqual([]);
  });

  test("an orchestrator is woken once when both of its children are done, and its own answer travels up", async () => {
    const connections = gateway.websocketConnections();
    await gateway.turn(MAIN, TURN);
    await slowLeaf.reached;
    await expect.poll(async () => (await runOf("quick"))?.state, { timeout: 30_000 }).toBe("settled");
    await expect.poll(async () => (await runOf("project"))?.state).toBe("waiting");
    slowLeaf.release();

    const transcript = async () => JSON.stringify(await gateway.transcript(MAIN));
    await expect.poll(transcript, { timeout: 60_000 }).toContain("The project is done.");
    const [woken, ...again] = model.requests.filter(toldResult("LEAF-ANSWER"));
    expect(again).toEqual([]);
    for (const answer of ["LEAF-ANSWER quick", "LEAF-ANSWER slow"]) expect(turnText(woken!)).toContain(answer);
    expect(count(await transcript(), "[Subagent result]")).toBe(1);
    expect(await transcript()).not.toContain("LEAF-ANSWER");
    const [project, slow] = [await runOf("project"), await runOf("slow")];
    expect(slow).toMatchObject({ requesterSessionKey: project!.childSessionKey, depth: 2 });
    expect(offeredTools(model.requests.find(asked(PROJECT))!)).toContain("sessions_spawn");
    expect(offeredTools(model.requests.find(asked("LEAF-QUICK"))!)).not.toContain("sessions_spawn");
    expect(gateway.websocketConnections()).toBe(connections);
  });

  async function states(label: string): Promise<string[]> {
    const runs = await registeredRuns(gateway);
    return runs
      .filter((run) => run.label?.startsWith(label))
      .map((run) => `${run.state} ${run.outcome?.status ?? ""}`.trim());
  }

  async function runOf(label: string) {
    return (await registeredRuns(gateway)).find((run) => run.label === label);
  }
});

function spawnCall(task: string, label: string) {
  return { name: "sessions_spawn", args: { task, label } };
}

function count(text: string, part: string): number {
  return text.split(part).length - 1;
}

const MAIN = "agent:main:main";
const FIVE_SESSION = "agent:main:five";
const NUMBERS = [1, 2, 3, 4, 5];
const FIVE = "Please add five numbers.";
const TURN = "Please run the project.";
const PROJECT = "PROJECT-TASK: two parts.";
