import { beforeAll, describe, expect, test } from "vitest";

import type { ModelServer } from "../helpers/model-server.ts";
import { breakPairing, healPairing } from "./helpers/broken-pairing.ts";
import { startGateway, type Gateway } from "./helpers/gateway.ts";
import { installOpenClaw } from "./helpers/install.ts";
import { onboardedConfig, onboardTemplate } from "./helpers/onboard.ts";
import {
  afterTool,
  asked,
  callTool,
  lastToolResult,
  offeredTools,
  startScriptedModel,
  toldResult,
} from "./helpers/scripted-model.ts";

/** The report this package answers, without the package: what it is measured against. */
describe("OpenClaw 2026.4.1 whose device was first paired with narrow scopes", () => {
  let model: ModelServer;
  let gateway: Gateway;

  beforeAll(async () => {
    const install = await installOpenClaw("2026.4.1");
    model = await startScriptedModel([
      [asked(TURN), callTool("sessions_spawn", { task: TASK })],
      [asked(TASK), ANSWER],
      [toldResult(ANSWER), "The child is done."],
    ]);
    gateway = await startGateway(await onboardTemplate(install, { modelBaseUrl: model.baseUrl }));
    expect((await onboardedConfig(install)).tools).toEqual({ profile: "coding" });
    await breakPairing(gateway);
  });

  test("a spawn shows the model that the gateway closed with 1008, and starts nothing", async () => {
    const connections = gateway.websocketConnections();

    await gateway.turn(MAIN, TURN);

    expect(offeredTools(model.requests[0]!)).toContain("sessions_spawn");
    const { status, error } = JSON.parse(resultOfSpawn(0)) as { status: string; error: string };
    expect(status).toBe("error");
    expect(error).toMatch(/^gateway closed \(1008\): pairing required/);
    expect(model.requests.filter(asked(TASK))).toEqual([]);
    await gateway.waitForLog(/reason=scope-upgrade .*scopesFrom=operator\.read scopesTo=operator\.admin/);
    expect(gateway.websocketConnections()).toBe(connections + 1);
    expect((await gateway.devices()).pending).toMatchObject([{ scopes: ["operator.admin"], isRepair: true }]);
  });

  test("once the device is approved, the same turn starts a child whose result comes back as a turn", async () => {
    const { code, stdout } = await healPairing(gateway);
    expect({ code, stdout }).toMatchObject({ code: 0, stdout: expect.stringContaining("Approved") as string });
    const connections = gateway.websocketConnections();

    await gateway.turn(MAIN, TURN);

    expect(JSON.parse(resultOfSpawn(1))).toMatchObject({ status: "accepted", mode: "run" });
    await expect.poll(() => model.requests.some(toldResult(ANSWER)), { timeout: 60_000 }).toBe(true);
    await expect
      .poll(async () => JSON.stringify((await gateway.transcript(MAIN)).at(-1)))
      .toContain("The child is done.");
    expect(model.requests.filter(asked(TASK))).toHaveLength(1);
    expect(Object.values(await gateway.sessions())).toContainEqual(expect.objectContaining({ spawnedBy: MAIN }));
    expect(gateway.websocketConnections()).toBeGreaterThan(connections);
  });

  function resultOfSpawn(nth: number): string {
    return lastToolResult(model.requests.filter(afterTool(TURN))[nth]!);
  }
});

const MAIN = "agent:main:main";
const TURN = "Please ask a helper.";
const TASK = "CHILD-TASK: count the planets.";
const ANSWER = "There are eight planets.";
