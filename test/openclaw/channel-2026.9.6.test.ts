/** Results of children whose requester is a chat at a channel, in a newer OpenClaw. */

import { beforeAll, describe, expect, test } from "vitest";

import type { ModelServer } from "../helpers/model-server.ts";
import { ACCOUNT, channelPlugin, type ChannelPlugin } from "./helpers/channel-plugin.ts";
import { callDeferred } from "./helpers/deferred-tools.ts";
import { startGateway, type Gateway } from "./helpers/gateway.ts";
import { installOpenClaw } from "./helpers/install.ts";
import { onboardTemplate } from "./helpers/onboard.ts";
import { editConfig, setSubagents } from "./helpers/plugin-profile.ts";
import { installPlugin, packPlugin } from "./helpers/plugin-install.ts";
import { registeredRuns } from "./helpers/plugin-state.ts";
import { afterTool, asked, startScriptedModel, toldResult } from "./helpers/scripted-model.ts";

describe("a child's result in OpenClaw 2026.9.6, a channel beside it", () => {
  let model: ModelServer;
  let channel: ChannelPlugin;
  let gateway: Gateway;

  beforeAll(async () => {
    model = await startScriptedModel([
      [toldResult("LONE-TASK"), "Nobody asked at a channel."],
      [toldResult("LOUD-TASK"), "Your answer is forty-two."],
      ...["LONE", "LOUD"].flatMap((word): Parameters<typeof startScriptedModel>[0] => [
        [asked(`${word}-TASK`), "forty-two"],
        [afterTool(`spawn ${word}`), "It is at work."],
        [asked(`spawn ${word}`), callDeferred(["sessions_spawn", { task: `${word}-TASK`, label: word }])],
      ]),
      [asked(NEXT), "No."],
    ]);
    channel = await channelPlugin();
    const profile = await onboardTemplate(await installOpenClaw("2026.9.6"), { modelBaseUrl: model.baseUrl });
    const { code, output } = await installPlugin(profile, await packPlugin());
    expect(code, output).toBe(0);
    await editConfig(profile, (config) => {
      setSubagents(config, { runtime: "inprocess" });
      channel.addTo(config);
    });
    gateway = await startGateway(profile);
    await gateway.waitForLog(/openclaw-inprocess: subagents run in process: .*engine pi/);
  });

  test("goes out nowhere when its requester isn't at that channel, and nothing is tried", async () => {
    const logged = gateway.log().length;
    await gateway.turn(ELSEWHERE, "spawn LONE");
    await expect.poll(() => deliveryOf("LONE"), { timeout: 60_000 }).toBe("delivered");
    await gateway.turn(ELSEWHERE, NEXT);
    expect(model.requests.filter(toldResult("LONE-TASK"))).toHaveLength(1);
    expect(await channel.sent()).toEqual([]);
    expect(gateway.log().slice(logged)).not.toMatch(/Delivery failed|delivery downgraded|Channel is required|refused/);
  });

  test("goes out as the requester's answer to whom it was talking to, once", async () => {
    await channel.says(gateway, "alice", "spawn LOUD");
    await expect.poll(() => deliveryOf("LOUD"), { timeout: 60_000 }).toBe("delivered");
    await expect.poll(() => channel.sent(), { timeout: 60_000 }).toHaveLength(2);
    await channel.says(gateway, "alice", NEXT);
    expect(await channel.sent()).toEqual([
      { way: "reply", to: "alice", text: "It is at work.", accountId: ACCOUNT },
      { way: "outbound", to: "alice", text: "Your answer is forty-two.", accountId: ACCOUNT },
      { way: "reply", to: "alice", text: "No.", accountId: ACCOUNT },
    ]);
  });

  async function deliveryOf(label: string) {
    return (await registeredRuns(gateway)).find((run) => run.label === label)?.delivery;
  }
});

const ELSEWHERE = "agent:main:elsewhere";
const NEXT = "Is there anything new?";
