/** Results of children whose requester is a chat at a channel, over a broken pairing. */

import { beforeAll, describe, expect, test } from "vitest";

import type { ModelServer } from "../helpers/model-server.ts";
import { ACCOUNT, channelPlugin, sessionWith, type ChannelPlugin } from "./helpers/channel-plugin.ts";
import { startGateway, type Gateway } from "./helpers/gateway.ts";
import { installOpenClaw } from "./helpers/install.ts";
import { profileWithPlugin } from "./helpers/plugin-profile.ts";
import { registeredRuns } from "./helpers/plugin-state.ts";
import { afterTool, asked, callTool, startScriptedModel, toldResult } from "./helpers/scripted-model.ts";

describe("a child's result, its requester at a channel", () => {
  let model: ModelServer;
  let channel: ChannelPlugin;
  let gateway: Gateway;

  beforeAll(async () => {
    model = await startScriptedModel([
      [toldResult("LOUD-TASK"), "Your answer is forty-two."],
      [toldResult("QUIET-TASK"), "NO_REPLY"],
      [toldResult("LONE-TASK"), "Nobody asked at a channel."],
      ...["LOUD", "QUIET", "LONE"].flatMap((word): Parameters<typeof startScriptedModel>[0] => [
        [asked(`${word}-TASK`), "forty-two"],
        [afterTool(`spawn ${word}`), "It is at work."],
        [asked(`spawn ${word}`), callTool("sessions_spawn", { task: `${word}-TASK`, label: word })],
      ]),
      [asked(NEXT), "No."],
    ]);
    channel = await channelPlugin();
    const profile = await profileWithPlugin(await installOpenClaw("2026.4.1"), {
      modelBaseUrl: model.baseUrl,
      narrow: true,
      edit: (config) => channel.addTo(config),
    });
    gateway = await startGateway(profile);
  });

  test("goes out as the requester's answer to it, to whom it was talking to, once", async () => {
    const connections = gateway.websocketConnections();
    await channel.says(gateway, "alice", "spawn LOUD");

    await expect.poll(() => sentTo("alice"), { timeout: 60_000 }).toContain("Your answer is forty-two.");
    await expect.poll(async () => (await runOf("LOUD"))?.delivery).toBe("delivered");
    expect(await runOf("LOUD")).toMatchObject({ requesterSessionKey: sessionWith("alice") });
    // A session's turns come one after the other: what went out twice would stand before this one's answer.
    await channel.says(gateway, "alice", NEXT);
    expect((await channel.sent()).filter(({ to }) => to === "alice")).toEqual([
      { way: "reply", to: "alice", text: "It is at work.", accountId: ACCOUNT },
      { way: "outbound", to: "alice", text: "Your answer is forty-two.", accountId: ACCOUNT },
      { way: "reply", to: "alice", text: "No.", accountId: ACCOUNT },
    ]);
    expect(gateway.websocketConnections()).toBe(connections);
    expect(await gateway.devices()).toMatchObject({ pending: [], paired: [{ scopes: ["operator.read"] }] });
  });

  test("doesn't go out when the requester has nothing to say to it", async () => {
    await channel.says(gateway, "bob", "spawn QUIET");
    await expect.poll(() => model.requests.some(toldResult("QUIET-TASK")), { timeout: 60_000 }).toBe(true);
    await expect.poll(async () => (await runOf("QUIET"))?.delivery).toBe("delivered");
    await channel.says(gateway, "bob", NEXT);
    expect(await sentTo("bob")).toEqual(["It is at work.", "No."]);
  });

  test("of a session without a channel goes out nowhere, not even where the only channel writes by default", async () => {
    const before = await channel.sent();
    const logged = gateway.log().length;
    await gateway.turn(ELSEWHERE, "spawn LONE");
    const transcript = async () => JSON.stringify(await gateway.transcript(ELSEWHERE));
    await expect.poll(transcript, { timeout: 60_000 }).toContain("Nobody asked at a channel.");
    await expect.poll(async () => (await runOf("LONE"))?.delivery).toBe("delivered");
    await gateway.turn(ELSEWHERE, NEXT);
    expect(await channel.sent()).toEqual(before);
    expect(gateway.log().slice(logged)).not.toMatch(/Delivery failed|delivery downgraded|Channel is required|refused/);
  });

  async function sentTo(recipient: string): Promise<string[]> {
    return (await channel.sent()).filter(({ to }) => to === recipient).map(({ text }) => text);
  }

  async function runOf(label: string) {
    return (await registeredRuns(gateway)).find((run) => run.label === label);
  }
});

const ELSEWHERE = "agent:main:elsewhere";
const NEXT = "Is there anything new?";
