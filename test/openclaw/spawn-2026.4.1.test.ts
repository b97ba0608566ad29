/** A spawn on a gateway whose pairing is broken, with the plugin as `npm pack` makes it. */

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";

import type { ModelServer } from "../helpers/model-server.ts";
import { breakPairing } from "./helpers/broken-pairing.ts";
import { startGateway, type Gateway } from "./helpers/gateway.ts";
import { installOpenClaw } from "./helpers/install.ts";
import { profileWithPlugin } from "./helpers/plugin-profile.ts";
import { allAnswered, answered, loggedFields, registeredRuns } from "./helpers/plugin-state.ts";
import {
  afterTool,
  asked,
  callTool,
  lastToolResult,
  startScriptedModel,
  toldResult,
} from "./helpers/scripted-model.ts";

describe.each(["pi", "openclaw"])("a spawn over a broken pairing, engine %s", (engine) => {
  let model: ModelServer;
  let gateway: Gateway;

  beforeAll(async () => {
    model = await startScriptedModel([
      [toldResult(ANSWER), "Bread and milk are to be bought."],
      [afterTool(TASK), (request) => `${ANSWER}: ${lastToolResult(request)}`],
      [asked(TASK), callTool("read", { path: "shopping.txt" })],
      [asked(TURN), callTool("sessions_spawn", { task: TASK, label: "shopping" })],
      [asked(TWICE), { toolCalls: [SAME_CALL, SAME_CALL] }],
    ]);
    const install = await installOpenClaw("2026.4.1");
    gateway = await startGateway(
      await profileWithPlugin(install, { modelBaseUrl: model.baseUrl, subagents: { engine } }),
    );
    await writeFile(join(gateway.workspace, "shopping.txt"), "bread, milk");
    await breakPairing(gateway);
  });

  test("is accepted, works in a thread with a real tool, and comes back as a turn without any connection", async () => {
    const connections = gateway.websocketConnections();
    const refusals = gateway.log().match(/scope-upgrade|code=1008/g)?.length ?? 0;

    await gateway.turn(MAIN, TURN);

    const { opening, result } = answered(model.requests.find(afterTool(TURN))!);
    expect(opening).toMatch(/^STARTED, not an error/);
    expect(result).toMatchObject({
      status: "accepted",
      mode: "run",
      childSessionKey: expect.stringMatching(/^agent:main:subagent:/) as string,
    });
    await expect.poll(() => model.requests.some(toldResult(ANSWER)), { timeout: 60_000 }).toBe(true);
    const transcript = async () => JSON.stringify(await gateway.transcript(MAIN));
    await expect.poll(transcript).toContain("Bread and milk are to be bought.");
    expect(await transcript()).toContain("bread, milk");
    const [started] = loggedFields(gateway, "run started");
    expect(started).toMatchObject({ runId: result.runId, sessionKey: result.childSessionKey });
    expect(started!.threadId).toBeGreaterThan(0);
    const [run] = await registeredRuns(gateway);
    expect(run).toMatchObject({ runId: result.runId, label: "shopping" });
    await expect.poll(async () => (await registeredRuns(gateway))[0]!.delivery).toBe("delivered");
    expect(keysIn(await transcript())).toHaveLength(1);
    expect(gateway.websocketConnections()).toBe(connections);
    expect(gateway.log().match(/scope-upgrade|code=1008/g)?.length ?? 0).toBe(refusals);
    expect(await gateway.devices()).toMatchObject({ pending: [], paired: [{ scopes: ["operator.read"] }] });
  });

  test("that the model calls twice under one id is one run, and a new one in a later turn", async () => {
    await gateway.turn(OTHER, TWICE);
    const told = allAnswered(model.requests.findLast(afterTool(TWICE))!).map(({ result }) => result.runId);
    expect(new Set(told)).toEqual(new Set((await runsNamed("twice")).map(({ runId }) => runId)));
    expect(await runsNamed("twice")).toHaveLength(1);

    await gateway.turn(OTHER, TWICE);
    expect(await runsNamed("twice")).toHaveLength(2);
  });

  async function runsNamed(label: string) {
    return (await registeredRuns(gateway)).filter((run) => run.label === label);
  }
});

function keysIn(text: string): string[] {
  return text.match(/\\nkey: /g) ?? [];
}

const MAIN = "agent:main:main";
const OTHER = "agent:main:other";
const TURN = "Please have the list read.";
const TWICE = "Please say it twice.";
const TASK = "CHILD-TASK: what is to be bought?";
const ANSWER = "It says";
const SAME_CALL = { name: "sessions_spawn", args: { task: "CHILD-TASK-2", label: "twice" }, id: "call_same" };
