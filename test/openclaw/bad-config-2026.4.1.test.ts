/** A plugin entry that can't be understood costs nothing but the plugin. */

import { expect, test } from "vitest";

import { startGateway } from "./helpers/gateway.ts";
import { installOpenClaw } from "./helpers/install.ts";
import { doctorFindings } from "./helpers/plugin-commands.ts";
import { profileWithPlugin } from "./helpers/plugin-profile.ts";
import { answered, registeredRuns } from "./helpers/plugin-state.ts";
import { afterTool, asked, callTool, offeredTools, startScriptedModel, toldResult } from "./helpers/scripted-model.ts";

test("a bad configuration is told in one line, the plugin stays off, and the core's path answers", async () => {
  const model = await startScriptedModel([
    [toldResult(ANSWER), "The child is done."],
    [asked(TASK), ANSWER],
    [asked(TURN), callTool("sessions_spawn", { task: TASK })],
  ]);
  const profile = await profileWithPlugin(await installOpenClaw("2026.4.1"), {
    modelBaseUrl: model.baseUrl,
    subagents: { runtim: "inprocess", fallback: "yes", pool: { maxThreads: 0 } },
    edit: (config) => (config.tools = { ...config.tools, alsoAllow: ["openclaw-inprocess"] }),
  });
  const gateway = await startGateway(profile);
  await gateway.waitForLog(/openclaw-inprocess is off/);

  await gateway.turn("agent:main:main", TURN);

  const { opening, result } = answered(model.requests.find(afterTool(TURN))!);
  expect({ opening, status: result.status }).toEqual({ opening: "", status: "accepted" });
  await expect.poll(() => model.requests.some(toldResult(ANSWER)), { timeout: 60_000 }).toBe(true);
  expect(JSON.stringify(model.requests.find(asked(TASK))!.messages)).toContain("[Subagent Context]");
  expect(offeredTools(model.requests[0]!).filter((name) => name.endsWith("_inprocess"))).toEqual([]);
  expect(await registeredRuns(gateway)).toEqual([]);

  // The core's own warnings name the plugin too.
  const said = gateway.log().match(/openclaw-inprocess(?: is |: ).*/g)!;
  expect(said).toEqual([expect.stringMatching(/^openclaw-inprocess is off: its settings are wrong: /)]);
  for (const fault of ["subagents.runtim: ", "subagents.fallback: ", "subagents.pool.maxThreads: "])
    expect(said[0]).toContain(fault);
  expect(await doctorFindings(gateway)).toContainEqual({
    level: "problem",
    about: "settings",
    text: expect.stringMatching(/fallback: .*The plugin stays off\.$/) as string,
  });
});

const TURN = "Please ask a helper.";
const TASK = "CHILD-TASK: count the planets.";
const ANSWER = "There are eight planets.";
