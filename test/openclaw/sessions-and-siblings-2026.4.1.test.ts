/** A child among the gateway's sessions, and the tools that reach it, over a broken pairing. */

import { beforeAll, describe, expect, test } from "vitest";

import type { ModelServer } from "../helpers/model-server.ts";
import { healPairing } from "./helpers/broken-pairing.ts";
import { startGateway, type Gateway } from "./helpers/gateway.ts";
import { installOpenClaw } from "./helpers/install.ts";
import { jsonLines } from "./helpers/plugin-commands.ts";
import { profileWithPlugin } from "./helpers/plugin-profile.ts";
import { allAnswered, answered } from "./helpers/plugin-state.ts";
import {
  afterTool,
  asked,
  callTool,
  held,
  offeredTools,
  startScriptedModel,
  systemPrompt,
  toldResult,
  toolResults,
} from "./helpers/scripted-model.ts";

describe.each(["pi", "openclaw"])("a child's session over a broken pairing, engine %s", (engine) => {
  let model: ModelServer;
  let gateway: Gateway;
  /** The child's session key. */
  let child: string;
  const atWork = held(callTool("read", { path: "nowhere.txt" }));

  beforeAll(async () => {
    model = await startScriptedModel([
      [toldResult("ARCHIVED"), "The archive is in order."],
      [asked(OWN), callTool("sessions_spawn_inprocess", { task: TASK, label: "archivist" })],
      // The host's runner writes a transcript once its model has answered.
      [asked(TASK), callTool("read", { path: "nowhere.txt" })],
      [(request) => afterTool(TASK)(request) && toolResults(request).length === 1, atWork.script],
      [asked(MESSAGE), "ARCHIVED it all"],
      [asked(LOOK), () => ({ toolCalls: lookingCalls(child) })],
    ]);
    const profile = await profileWithPlugin(await installOpenClaw("2026.4.1"), {
      modelBaseUrl: model.baseUrl,
      subagents: { engine },
      narrow: true,
      edit: (config) => (config.tools = { ...config.tools, alsoAllow: ["openclaw-inprocess"] }),
    });
    gateway = await startGateway(profile);
  });

  test("is started by a tool of our own name, with a clean result, where the tool policy lets it through", async () => {
    await gateway.turn(MAIN, OWN);

    const request = model.requests.find(afterTool(OWN))!;
    expect(offeredTools(request)).toEqual(expect.arrayContaining(["sessions_spawn", ...OWN_TOOLS]));
    expect(systemPrompt(request)).toContain("sessions_spawn_inprocess");
    const { opening, result } = answered(request);
    expect(opening).toBe("");
    expect(result).toMatchObject({ status: "accepted", mode: "run" });
    child = String(result.childSessionKey);
    await atWork.reached;
  });

  test("stands in the gateway's session store with its lineage, role, label and model", async () => {
    await expect
      .poll(async () => (await gateway.sessions())[child])
      .toMatchObject({
        spawnedBy: MAIN,
        spawnDepth: 1,
        subagentRole: "leaf",
        label: "archivist",
        modelProvider: "scripted",
        model: "scripted-1",
        status: "running",
      });
  });

  test("is listed, read and written to by the tools that the requester has", async () => {
    await gateway.turn(MAIN, LOOK);
    const [listed, history, sent, agents, ownList] = allAnswered(model.requests.findLast(afterTool(LOOK))!).slice(-5);
    expect(JSON.stringify(listed!.result)).toContain(child);
    expect(history!.opening).toMatch(/^DONE, not an error/);
    expect(JSON.stringify(history!.result)).toContain(TASK);
    expect(sent!.opening).toMatch(/^DONE, not an error/);
    expect(sent!.result).toMatchObject({ status: "accepted", sessionKey: child });
    expect(agents).toMatchObject({ opening: "", result: { agents: [{ id: "main" }] } });
    expect(JSON.stringify(ownList!.result)).toContain(child);

    atWork.release();
    await expect.poll(() => model.requests.some(toldResult("ARCHIVED")), { timeout: 60_000 }).toBe(true);
    expect(model.requests.filter(asked(MESSAGE))).toHaveLength(1);
    expect((await gateway.devices()).pending).toEqual([]);
  });

  test("is shown by the gateway's commands and methods when it is over, with its transcript", async () => {
    await expect
      .poll(async () => (await gateway.sessions())[child], { timeout: 10_000 })
      .toMatchObject({ status: "done" });
    expect(JSON.stringify(await gateway.transcript(child))).toContain("ARCHIVED it all");
    const { stdout } = await gateway.cli("sessions", "--json");
    const { sessions } = JSON.parse(stdout.slice(stdout.indexOf("{"))) as { sessions: { key: string }[] };
    expect(sessions.map(({ key }) => key)).toContain(child);

    expect(await healPairing(gateway)).toMatchObject({ code: 0 });
    const list = await call("sessions.list", { spawnedBy: MAIN });
    expect(list).toMatchObject({ sessions: [expect.objectContaining({ key: child, label: "archivist" }) as unknown] });
    const { messages } = await call("chat.history", { sessionKey: child });
    expect(JSON.stringify(messages)).toContain("ARCHIVED it all");
  });

  test("is told of by `openclaw inprocess`", async () => {
    const [status] = await jsonLines(gateway, "status");
    expect(status).toMatchObject({ runs: { settled: 1, running: 0 }, results: { pending: 0, undelivered: 0 } });
    const [run] = await jsonLines(gateway, "runs");
    expect(run).toMatchObject({ label: "archivist", childSessionKey: child });
    const { stdout, code } = await gateway.cli("inprocess", "runs", (run as { runId: string }).runId);
    expect(code).toBe(0);
    expect(stdout).toContain("ARCHIVED it all");
  });

  async function call(method: string, params: Record<string, unknown>): Promise<Record<string, unknown>> {
    const { stdout, stderr } = await gateway.cli(
      "gateway",
      "call",
      method,
      "--params",
      JSON.stringify(params),
      "--json",
    );
    const at = stdout.indexOf("{");
    if (at < 0) throw new Error(`openclaw gateway call ${method} wrote no JSON:\n${stdout}\n${stderr}`);
    return JSON.parse(stdout.slice(at)) as Record<string, unknown>;
  }
});

function lookingCalls(child: string) {
  return [
    { name: "sessions_list", args: {} },
    { name: "sessions_history", args: { sessionKey: child } },
    { name: "sessions_send", args: { label: "archivist", message: MESSAGE, timeoutSeconds: 0 } },
    { name: "agents_list_inprocess", args: {} },
    { name: "sessions_list_inprocess", args: {} },
  ];
}

const MAIN = "agent:main:main";
const OWN = "Please have the archive put in order.";
const LOOK = "Please look at how it goes.";
const TASK = "CHILD-TASK: put the archive in order.";
const MESSAGE = "begin with the letters";
const OWN_TOOLS = [
  "sessions_spawn_inprocess",
  "subagents_inprocess",
  "sessions_history_inprocess",
  "sessions_send_inprocess",
  "sessions_list_inprocess",
  "agents_list_inprocess",
];
