/** Results of children whose requester is a chat at a channel, over a broken pairing. */

import { beforeAll, describe, expect, test } from "vitest";

import type { ModelServer, RecordedRequest } from "../helpers/model-server.ts";
import { ACCOUNT, DEAF, channelPlugin, sessionWith, type ChannelPlugin } from "./helpers/channel-plugin.ts";
import { startGateway, type Gateway } from "./helpers/gateway.ts";
import { installOpenClaw } from "./helpers/install.ts";
import { profileWithPlugin } from "./helpers/plugin-profile.ts";
import { registeredRuns } from "./helpers/plugin-state.ts";
import {
  afterTool,
  asked,
  callTool,
  held,
  startScriptedModel,
  toldResult,
  toolResults,
  turnText,
} from "./helpers/scripted-model.ts";

describe("a child's result, its requester at a channel", () => {
  let model: ModelServer;
  let channel: ChannelPlugin;
  let gateway: Gateway;
  const talking = held("They are at work.");

  beforeAll(async () => {
    model = await startScriptedModel([
      [toldResult("LOUD-TASK"), "Your answer is forty-two."],
      [toldResult("QUIET-TASK"), "NO_REPLY"],
      [toldResult("LOST-TASK"), "This goes nowhere."],
      [toldResult("LONE-TASK"), "Nobody asked at a channel."],
      [toldResult(/(FIRST|SECOND)-TASK/), "Both are in."],
      [asked("FIRST-TASK"), "the first result"],
      [asked("SECOND-TASK"), "the second result"],
      [asked("spawn two"), callTool("sessions_spawn", { task: "FIRST-TASK", label: "FIRST" })],
      // The second one is there long after the first one's result.
      [
        (request) => afterTool("spawn two")(request) && toolResults(request).length === 1,
        async () => {
          await expect.poll(async () => (await runOf("FIRST"))?.state, { timeout: 30_000 }).toBe("settled");
          return callTool("sessions_spawn", { task: "SECOND-TASK", label: "SECOND" });
        },
      ],
      [afterTool("spawn two"), talking.script],
      ...["LOUD", "QUIET", "LONE", "LOST"].flatMap((word): Parameters<typeof startScriptedModel>[0] => [
        [asked(`${word}-TASK`), "forty-two"],
        [afterTool(`spawn ${word}`), "It is at work."],
        [asked(`spawn ${word}`), callTool("sessions_spawn", { task: `${word}-TASK`, label: word })],
      ]),
      [asked("HELD-TASK"), { silent: true }],
      [afterTool("spawn HELD"), "It is at work."],
      [asked("spawn HELD"), (request) => callTool("sessions_spawn", { task: "HELD-TASK", label: nameIn(request) })],
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

  test("waits for a turn of the chat to end, and goes with what has come meanwhile", async () => {
    const turn = channel.says(gateway, "carol", "spawn two");
    await talking.reached;
    await expect.poll(async () => (await runOf("SECOND"))?.state, { timeout: 60_000 }).toBe("settled");
    expect(await runOf("FIRST")).toMatchObject({ delivery: "pending", requesterSessionKey: sessionWith("carol") });
    talking.release();
    await turn;
    await expect.poll(async () => (await runOf("FIRST"))?.delivery, { timeout: 60_000 }).toBe("delivered");
    await expect.poll(async () => (await runOf("SECOND"))?.delivery).toBe("delivered");
    await channel.says(gateway, "carol", NEXT);
    expect(await sentTo("carol")).toEqual(["They are at work.", "Both are in.", "No."]);
    const tellings = model.requests.filter(toldResult(/(FIRST|SECOND)-TASK/));
    expect(tellings.map(turnText)).toEqual([expect.stringMatching(/the first result[^]*the second result/)]);
  });

  test("doesn't go out when the requester has nothing to say to it", async () => {
    await channel.says(gateway, "bob", "spawn QUIET");
    await expect.poll(() => model.requests.some(toldResult("QUIET-TASK")), { timeout: 60_000 }).toBe(true);
    await expect.poll(async () => (await runOf("QUIET"))?.delivery).toBe("delivered");
    await channel.says(gateway, "bob", NEXT);
    expect(await sentTo("bob")).toEqual(["It is at work.", "No."]);
  });

  test("whose answer the channel refuses is told to its model once, and the log names the session", async () => {
    await channel.says(gateway, DEAF, "spawn LOST");
    await gateway.waitForLog(/did not go out to its channel: .*nobody opens the door/, 60_000);
    expect(gateway.log()).toContain(`{"sessionKey":"${sessionWith(DEAF)}"`);
    await expect.poll(async () => (await runOf("LOST"))?.delivery).toBe("delivered");
    await channel.says(gateway, DEAF, NEXT);
    expect(model.requests.filter(toldResult("LOST-TASK"))).toHaveLength(1);
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

  test("doesn't come when its session is stopped: /stop ends the children of that chat, and of no other", async () => {
    await channel.says(gateway, "erin", "spawn HELD for erin");
    await channel.says(gateway, "frank", "spawn HELD for frank");
    for (const label of ["erin", "frank"]) {
      await expect.poll(async () => (await runOf(label))?.state, { timeout: 60_000 }).toBe("running");
    }
    await channel.says(gateway, "erin", "/stop");
    const killed = { state: "settled", outcome: { status: "killed" }, delivery: "none" };
    await expect.poll(() => runOf("erin"), { timeout: 20_000 }).toMatchObject(killed);
    expect(await runOf("frank")).toMatchObject({ state: "running" });
    await channel.says(gateway, "frank", "/stop");
    await expect.poll(() => runOf("frank"), { timeout: 20_000 }).toMatchObject(killed);
  });

  async function sentTo(recipient: string): Promise<string[]> {
    return (await channel.sent()).filter(({ to }) => to === recipient).map(({ text }) => text);
  }

  async function runOf(label: string) {
    return (await registeredRuns(gateway)).find((run) => run.label === label);
  }
});

function nameIn(request: RecordedRequest): string {
  return /spawn HELD for (\w+)/.exec(turnText(request))![1]!;
}

const ELSEWHERE = "agent:main:elsewhere";
const NEXT = "Is there anything new?";
