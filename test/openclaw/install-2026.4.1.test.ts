/** Installing the package from a folder; every other file installs the tarball. */

import { expect, test } from "vitest";

import { startGateway } from "./helpers/gateway.ts";
import { installOpenClaw } from "./helpers/install.ts";
import { onboardTemplate } from "./helpers/onboard.ts";
import { installPlugin, unpackPlugin } from "./helpers/plugin-install.ts";
import { answered } from "./helpers/plugin-state.ts";
import { afterTool, asked, callTool, startScriptedModel, toldResult } from "./helpers/scripted-model.ts";

test("the unpacked package installs from its folder without a finding, and works with no setting at all", async () => {
  const model = await startScriptedModel([
    [toldResult(ANSWER), "The child is done."],
    [asked(TASK), ANSWER],
    [asked(TURN), callTool("sessions_spawn", { task: TASK })],
  ]);
  const profile = await onboardTemplate(await installOpenClaw("2026.4.1"), { modelBaseUrl: model.baseUrl });
  const { code, output } = await installPlugin(profile, await unpackPlugin());
  expect({ code, output }).toMatchObject({
    code: 0,
    output: expect.not.stringMatching(/dangerous|suspicious/i) as string,
  });
  const gateway = await startGateway(profile);
  await gateway.waitForLog(
    /openclaw-inprocess: subagents run in process: .*gateway\.bind is "loopback"; engine openclaw: /,
  );
  // Its reason is the true one from the first line on: nothing is set.
  expect(gateway.log()).not.toContain('subagents.runtime is \\"inprocess');

  await gateway.turn("agent:main:main", TURN);

  expect(answered(model.requests.find(afterTool(TURN))!)).toMatchObject({
    opening: expect.stringMatching(/^STARTED/) as string,
    result: { status: "accepted" },
  });
  await expect.poll(() => model.requests.some(toldResult(ANSWER)), { timeout: 60_000 }).toBe(true);
  expect(gateway.websocketConnections()).toBe(0);
});

const TURN = "Please ask a helper.";
const TASK = "CHILD-TASK: count the planets.";
const ANSWER = "There are eight planets.";
