/** Where the gateway's own path is chosen: it is used while it works, and what is wrong with it is named. */

import { beforeAll, describe, expect, test } from "vitest";

import type { ModelServer } from "../helpers/model-server.ts";
import { startGateway, type Gateway } from "./helpers/gateway.ts";
import { installOpenClaw } from "./helpers/install.ts";
import { doctorFindings } from "./helpers/plugin-commands.ts";
import { profileWithPlugin } from "./helpers/plugin-profile.ts";
import { answered, registeredRuns } from "./helpers/plugin-state.ts";
import { afterTool, asked, callTool, startScriptedModel, toldResult } from "./helpers/scripted-model.ts";
import type { OpenClawConfig, Section } from "./helpers/user-settings.ts";

describe('subagents.runtime "gateway"', () => {
  let model: ModelServer;
  let gateway: Gateway;

  beforeAll(async () => {
    [model, gateway] = await start({ runtime: "gateway" });
  });

  test("says so at the start, and runs in process what the core would be refused", async () => {
    await gateway.waitForLog(/openclaw-inprocess: subagents run in process where the core's path can't: .*"gateway"/);

    await gateway.turn(MAIN, TURN);

    expect(spawnAnswers(model)[0]).toMatchObject({
      opening: expect.stringMatching(/^STARTED/) as string,
      result: { status: "accepted" },
    });
    await expect.poll(() => model.requests.filter(toldResult(ANSWER)), { timeout: 60_000 }).toHaveLength(1);
    expect(await registeredRuns(gateway)).toHaveLength(1);
    expect(gateway.websocketConnections()).toBe(0);
  });

  test("has a doctor that names the broken pairing and the commands that heal it", async () => {
    const found = await pairingIn(gateway);
    // Its spawns run in process meanwhile.
    expect(found).toMatchObject({ level: "note" });
    expect(found.text).toMatch(/operator\.read and lacks operator\.admin: .*sessions_spawn.*gateway, cron and nodes/);

    for (const line of found.fix!) expect(await runLine(gateway, line)).toMatchObject({ line, code: 0 });

    expect(await pairingIn(gateway)).toMatchObject({
      level: "ok",
      text: expect.stringContaining("operator.admin") as string,
    });
  });

  test("leaves the core's path as it is once the pairing is healthy", async () => {
    const connections = gateway.websocketConnections();

    await gateway.turn(HEALED, TURN);

    const { opening, result } = spawnAnswers(model)[1]!;
    expect({ opening, status: result.status }).toEqual({ opening: "", status: "accepted" });
    await expect.poll(() => model.requests.filter(toldResult(ANSWER)), { timeout: 60_000 }).toHaveLength(2);
    const child = model.requests.findLast(asked(TASK))!;
    expect(JSON.stringify(child.messages)).toContain("[Subagent Context]");
    expect(await registeredRuns(gateway)).toHaveLength(1);
    const opened = gateway.websocketConnections() - connections;
    expect(opened).toBeGreaterThanOrEqual(5);
    expect(opened).toBeLessThanOrEqual(10);
  });
});

describe("a gateway that other machines can reach", () => {
  let model: ModelServer;
  let gateway: Gateway;

  beforeAll(async () => {
    [model, gateway] = await start({ fallback: false }, (config) => (config.gateway.bind = "lan"));
  });

  test("keeps its own path, and shows the core's failure when subagents.fallback is off", async () => {
    await gateway.waitForLog(/openclaw-inprocess: subagents take the gateway's own path: .*gateway\.bind is "lan"/);

    await gateway.turn(MAIN, TURN);

    const { opening, result } = spawnAnswers(model)[0]!;
    expect({ opening, status: result.status }).toEqual({ opening: "", status: "error" });
    expect(await registeredRuns(gateway)).toEqual([]);
    expect(gateway.websocketConnections()).toBe(1);
    expect(model.requests.filter(asked(TASK))).toEqual([]);
  });
});

async function start(subagents: Section, edit?: (config: OpenClawConfig) => void): Promise<[ModelServer, Gateway]> {
  const model = await startScriptedModel([
    [toldResult(ANSWER), "The child is done."],
    [asked(TASK), ANSWER],
    [asked(TURN), callTool("sessions_spawn", { task: TASK })],
  ]);
  const install = await installOpenClaw("2026.4.1");
  const options = { modelBaseUrl: model.baseUrl, subagents, narrow: true, ...(edit === undefined ? {} : { edit }) };
  return [model, await startGateway(await profileWithPlugin(install, options))];
}

function spawnAnswers(model: ModelServer) {
  return model.requests.filter(afterTool(TURN)).map(answered);
}

async function pairingIn(gateway: Gateway) {
  return (await doctorFindings(gateway)).find(({ about }) => about === "pairing")!;
}

/** As it would be typed. */
async function runLine(gateway: Gateway, line: string) {
  const [command, ...args] = line.split(" ");
  expect(command).toBe("openclaw");
  return { line, ...(await gateway.cli(...args)) };
}

const MAIN = "agent:main:main";
const HEALED = "agent:main:healed";
const TURN = "Please ask a helper.";
const TASK = "CHILD-TASK: count the planets.";
const ANSWER = "There are eight planets.";
