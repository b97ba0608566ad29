/** What a newer OpenClaw makes of the plugin's own settings: left out, wrong, put right. The plugin is installed from a folder. */

import { beforeAll, describe, expect, test } from "vitest";

import type { ModelServer } from "../helpers/model-server.ts";
import { callDeferred, deferredAnswer } from "./helpers/deferred-tools.ts";
import { startGateway, type Gateway } from "./helpers/gateway.ts";
import { installOpenClaw } from "./helpers/install.ts";
import { onboardTemplate } from "./helpers/onboard.ts";
import { editConfig, setSubagents } from "./helpers/plugin-profile.ts";
import { installPlugin } from "./helpers/plugin-install.ts";
import { registeredRuns } from "./helpers/plugin-state.ts";
import { afterTool, asked, lastToolResult, startScriptedModel, toldResult } from "./helpers/scripted-model.ts";
import { unpackPlugin } from "./helpers/unpacked-plugin.ts";

describe("OpenClaw 2026.9.6 with the plugin as it was installed", () => {
  let model: ModelServer;
  let gateway: Gateway;

  beforeAll(async () => {
    model = await startScriptedModel([
      [toldResult("BEANS"), "I was told."],
      [asked("COUNT-TASK"), "seven BEANS"],
      [asked("ask the core"), callDeferred(["sessions_spawn", { task: "COUNT-TASK of the core" }])],
      [asked("look for it"), { toolCalls: [{ name: "tool_search", args: { query: OWN_TOOL } }] }],
      [asked("describe it"), { toolCalls: [{ name: "tool_describe", args: { id: OWN_TOOL } }] }],
      [asked("ask in process"), callDeferred([OWN_TOOL, { task: "COUNT-TASK in process", label: "ours" }])],
      [
        asked("read nobody's"),
        callDeferred(["sessions_history_inprocess", { sessionKey: "agent:main:subagent:nobody" }]),
      ],
    ]);
    const profile = await onboardTemplate(await installOpenClaw("2026.9.6"), { modelBaseUrl: model.baseUrl });
    const { code, output } = await installPlugin(profile, await unpackPlugin());
    expect(code, output).toBe(0);
    gateway = await startGateway(profile);
    await gateway.waitForLog(/openclaw-inprocess: subagents run in process where the core's path can't: /);
  });

  test("leaves the core's own path alone", async () => {
    await gateway.turn(session("core"), "ask the core");

    const { opening, result } = deferredAnswer(model.requests.find(afterTool("ask the core"))!);
    expect({ opening, status: result.status }).toEqual({ opening: "", status: "accepted" });
    await expect.poll(() => model.requests.some(toldResult("of the core")), WAIT).toBe(true);
    expect(await registeredRuns(gateway)).toEqual([]);
  });

  test("offers its own tools beside it, and says what their children have", async () => {
    await gateway.turn(session("look"), "look for it");
    await gateway.turn(session("look"), "describe it");
    expect(lastToolResult(model.requests.findLast(afterTool("look for it"))!)).toContain(OWN_TOOL);
    const described = lastToolResult(model.requests.findLast(afterTool("describe it"))!);
    expect(described).toMatch(/The subagent has these tools only: read, write, edit, .*no web, no skills/);
  });

  test("runs a child in process when its own tool is called", async () => {
    await gateway.turn(session("own"), "ask in process");

    const { opening, result } = deferredAnswer(model.requests.find(afterTool("ask in process"))!);
    expect({ opening, status: result.status }).toEqual({ opening: "", status: "accepted" });
    await expect.poll(() => model.requests.filter(toldResult("label: ours")).length, WAIT).toBe(1);
    const runs = () => registeredRuns(gateway);
    await expect
      .poll(runs, WAIT)
      .toMatchObject([{ runId: result.runId, outcome: { status: "ok" }, delivery: "delivered" }]);
  });

  // The gateway has loaded the plugin's modules for more than one registry by now.
  test("gives a refusal of the runtime its own code", async () => {
    await gateway.turn(session("own"), "read nobody's");

    expect(deferredAnswer(model.requests.find(afterTool("read nobody's"))!).result).toMatchObject({
      status: "error",
      code: "not_found",
    });
  });

  test("stays off when its settings are wrong: one line says what, and the gateway spawns as it always did", async () => {
    await gateway.stop();
    await editConfig(gateway.profile, (config) => setSubagents(config, { runtime: "sideways", engine: "pi" }));
    const before = gateway.log().length;
    await gateway.restart();
    const lines = () => ownLines(gateway.log().slice(before));
    await expect.poll(() => lines().length, WAIT).toBeGreaterThan(0);

    const spawned = model.requests.filter(toldResult("of the core")).length;
    await gateway.turn(session("wrong"), "ask the core");

    expect(deferredAnswer(model.requests.findLast(afterTool("ask the core"))!).result.status).toBe("accepted");
    await expect.poll(() => model.requests.filter(toldResult("of the core")).length, WAIT).toBeGreaterThan(spawned);
    expect(lines()).toHaveLength(1);
    expect(lines()[0]).toMatch(/openclaw-inprocess is off: .*plugins\.entries\.openclaw-inprocess.*runtime.*sideways/);
    expect(await registeredRuns(gateway)).toHaveLength(1);
    const { code, stdout } = await gateway.cli("inprocess", "doctor");
    expect(code).toBe(1);
    expect(stdout).toMatch(/subagents\.runtime.*The plugin stays off/);
  });

  test("stays off when the engine it is told to use can't be had, and the core spawns", async () => {
    await gateway.stop();
    await editConfig(gateway.profile, (config) => setSubagents(config, { engine: "openclaw" }));
    const before = gateway.log().length;
    await gateway.restart();
    const lines = () => ownLines(gateway.log().slice(before));
    await expect.poll(() => lines().length, WAIT).toBeGreaterThan(0);

    const spawned = model.requests.filter(toldResult("of the core")).length;
    await gateway.turn(session("named"), "ask the core");

    expect(deferredAnswer(model.requests.findLast(afterTool("ask the core"))!).result.status).toBe("accepted");
    await expect.poll(() => model.requests.filter(toldResult("of the core")).length, WAIT).toBeGreaterThan(spawned);
    expect(lines()).toEqual([expect.stringMatching(/is off: .*"openclaw", but .*; set it to "auto" or "pi"\.$/)]);
    const { code, stdout } = await gateway.cli("inprocess", "doctor");
    expect(code).toBe(1);
    const [, fix] = /The plugin stays off\.\s+openclaw (config set \S+ auto)$/m.exec(stdout)!;
    expect(await gateway.cli(...fix!.split(" "))).toMatchObject({ code: 0 });
    expect(await gateway.cli("inprocess", "doctor")).toMatchObject({ code: 0 });
  });
});

/** What the plugin itself wrote into the gateway's log. */
function ownLines(log: string): string[] {
  return log.split("\n").filter((line) => /\] openclaw-inprocess(:| is off)/.test(line));
}

function session(name: string): string {
  return `agent:main:${name}`;
}

const OWN_TOOL = "sessions_spawn_inprocess";

/** As long as a loaded machine may take; nothing here is about speed. */
const WAIT = { timeout: 60_000 };
