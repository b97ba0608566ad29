/** What a spawn may ask for beyond its task, inside a gateway over a broken pairing. */

import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { readdir, readFile, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";

import type { ModelServer, RecordedRequest } from "../helpers/model-server.ts";
import { channelPlugin, sessionWith, type ChannelPlugin } from "./helpers/channel-plugin.ts";
import { startGateway, type Gateway } from "./helpers/gateway.ts";
import { installOpenClaw } from "./helpers/install.ts";
import { profileWithPlugin } from "./helpers/plugin-profile.ts";
import { answered, registeredRuns } from "./helpers/plugin-state.ts";
import {
  afterTool,
  asked,
  callTool,
  held,
  lastToolResult,
  startScriptedModel,
  toldResult,
  toolResults,
  turnText,
} from "./helpers/scripted-model.ts";

describe.each(["openclaw", "pi"])("a spawn with all its parameters, engine %s", (engine) => {
  let model: ModelServer;
  let channel: ChannelPlugin;
  let gateway: Gateway;
  const reading = held("READ: seven beans");
  const slow = held("SLOW-DONE");
  const quick = held("QUICK-DONE");

  beforeAll(async () => {
    model = await startScriptedModel([
      [toldResult("READ-TASK"), "Seven, it says."],
      [asked("spawn READER"), spawn({ task: "READ-TASK", label: "reader", taskName: "reader", ...WITH_FILE })],
      [asked("READ-TASK"), (request) => callTool("read", { path: `${folderIn(request)}/beans.txt` })],
      [afterTool("READ-TASK"), reading.script],

      [toldResult("FORK-TASK"), "It knew."],
      [asked("remember"), "The colour is teal."],
      [asked("FORK-TASK"), "TEAL-ANSWER"],
      [asked("spawn FORK"), spawn({ task: "FORK-TASK", label: "fork", context: "fork" })],

      [both(toldResult("QUICK-DONE"), toldResult("SLOW-DONE")), "Both are in."],
      [asked("QUICK-TASK"), quick.script],
      [asked("SLOW-TASK"), slow.script],
      [
        asked("spawn PAIR"),
        { toolCalls: ["QUICK", "SLOW"].map((word) => ({ name: "sessions_spawn", args: { task: `${word}-TASK` } })) },
      ],
      [afterTool("spawn PAIR"), callTool("sessions_yield", { message: "both" })],

      [(request) => heard(request, "COUNT-TASK"), (request) => (isRepair(request) ? '{"beans":7}' : '{"beans":"7"}')],
      [asked("spawn COUNTER"), callTool("sessions_spawn_inprocess", COUNTER)],
      [
        (request) => afterTool("spawn COUNTER")(request) && toolResults(request).length === 1,
        (request) => callTool("agents_wait_inprocess", { ids: [runIdIn(request)], timeoutSeconds: 60 }),
      ],

      [toldResult("PRIVATE-TASK"), "Between us: forty-two."],
      [asked("PRIVATE-TASK"), "forty-two"],
      [asked("spawn PRIVATE"), spawn({ task: "PRIVATE-TASK", label: "private", completionTarget: "parent" })],
      [afterTool("spawn PRIVATE"), "It is at work."],
    ]);
    channel = await channelPlugin();
    const profile = await profileWithPlugin(await installOpenClaw("2026.4.1"), {
      modelBaseUrl: model.baseUrl,
      subagents: { engine, announce: { mode: "together" } },
      narrow: true,
      edit: (config) => {
        channel.addTo(config);
        const spawning = { attachments: { enabled: true } };
        config.tools = { ...config.tools, alsoAllow: ["openclaw-inprocess"], sessions_spawn: spawning };
      },
    });
    gateway = await startGateway(profile);
  });

  test("brings files into the child's workspace for it alone; they, and a session not to be kept, are gone once it is told", async () => {
    await gateway.turn(session("reader"), "spawn READER");

    const { result } = answered(model.requests.find(afterTool("spawn READER"))!);
    const sha256 = createHash("sha256").update(CONTENT).digest("hex");
    const files = [{ name: "beans.txt", bytes: CONTENT.length, sha256 }];
    expect(result).toMatchObject({ status: "accepted", taskName: "reader", attachments: { count: 1, files } });
    await reading.reached;
    const folder = join(gateway.workspace, (result.attachments as { relDir: string }).relDir);
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
    for (const name of ["beans.txt", ".manifest.json"]) {
      expect((await stat(join(folder, name))).mode & 0o777, name).toBe(0o600);
    }
    expect(await readFile(join(folder, "beans.txt"), "utf8")).toBe(CONTENT);
    expect(lastToolResult(model.requests.find(afterTool("READ-TASK"))!)).toContain(CONTENT);
    const child = String(result.childSessionKey);
    const { sessionFile } = (await gateway.sessions())[child]!;
    reading.release();

    await expect.poll(() => existsSync(folder), WAIT).toBe(false);
    // So is its session, as `cleanup` asked: the transcript renamed, and no entry left that points to it.
    await expect.poll(async () => Object.keys(await gateway.sessions())).not.toContain(child);
    const left = (await readdir(dirname(sessionFile!))).filter((name) => name.startsWith(basename(sessionFile!)));
    expect(left).toEqual([expect.stringMatching(/\.jsonl\.deleted\./)]);
    expect(await runOf("reader")).toMatchObject({ delivery: "delivered", outcome: { status: "ok" } });
  });

  test("forks its requester's conversation", async () => {
    await gateway.turn(session("fork"), "Please remember what colour it is.");
    await gateway.turn(session("fork"), "spawn FORK");

    expect(answered(model.requests.find(afterTool("spawn FORK"))!).result).toMatchObject({ context: "fork" });
    await expect.poll(() => model.requests.some(toldResult("FORK-TASK")), WAIT).toBe(true);
    const child = model.requests.find(asked("FORK-TASK"))!;
    expect(JSON.stringify(child.messages)).toContain("The colour is teal.");
    expect(turnText(child)).toContain("[Subagent Task]");
    expect((await runOf("fork"))?.outcome).toEqual({ status: "ok" });
  });

  test("tells the children of one turn together, after the turn was yielded", async () => {
    await gateway.turn(session("pair"), "spawn PAIR");
    quick.release();
    await expect.poll(async () => (await runFor("QUICK-TASK"))?.state, WAIT).toBe("settled");
    expect(await runFor("QUICK-TASK")).toMatchObject({ delivery: "pending" });
    slow.release();

    await expect.poll(async () => (await runFor("SLOW-TASK"))?.delivery, WAIT).toBe("delivered");
    const tellings = model.requests.filter((request) => /(QUICK|SLOW)-DONE/.test(turnText(request)));
    expect(tellings.map(turnText)).toEqual([expect.stringMatching(/QUICK-DONE[^]*SLOW-DONE/)]);
    expect(JSON.stringify(await gateway.transcript(session("pair")))).toContain("Both are in.");
  });

  test("collects an answer in the form asked for, repaired once, through tools of our own names", async () => {
    await gateway.turn(session("counter"), "spawn COUNTER");

    const last = model.requests.findLast(afterTool("spawn COUNTER"))!;
    const [spawned, waited] = toolResults(last).map(({ text }) => JSON.parse(text) as Record<string, unknown>);
    expect(spawned).toMatchObject({
      status: "accepted",
      note: expect.stringContaining("agents_wait_inprocess") as string,
    });
    expect(waited).toMatchObject({ completed: [{ status: "done", structured: { beans: 7 } }], pending: [] });
    expect(model.requests.filter((request) => heard(request, "COUNT-TASK"))).toHaveLength(2);
    expect(await runOf("counter")).toMatchObject({ delivery: "none", outcome: { status: "ok" } });
  });

  test("hands a private result to its requester and lets nothing of it out to the channel", async () => {
    await channel.says(gateway, "alice", "spawn PRIVATE");
    await expect.poll(async () => (await runOf("private"))?.delivery, WAIT).toBe("delivered");
    const transcript = JSON.stringify(await gateway.transcript(sessionWith("alice")));
    expect(transcript).toContain("Between us: forty-two.");
    await channel.says(gateway, "alice", "Is there anything new?");
    const sent = (await channel.sent()).filter(({ to }) => to === "alice").map(({ text }) => text);
    expect(sent).toEqual(["It is at work.", "ok"]);
    expect((await gateway.devices()).pending).toEqual([]);
  });

  async function runOf(label: string) {
    return (await registeredRuns(gateway)).find((run) => run.label === label);
  }

  async function runFor(task: string) {
    return (await registeredRuns(gateway)).find((run) => run.task === task);
  }
});

function spawn(args: Record<string, unknown>) {
  return callTool("sessions_spawn", args);
}

function both(...rules: ((request: RecordedRequest) => boolean)[]): (request: RecordedRequest) => boolean {
  return (request) => rules.every((rule) => rule(request));
}

/** Whether it is the child's own conversation: its task stands in one of its user messages. */
function heard({ messages }: RecordedRequest, task: string): boolean {
  return messages.some(({ role, content }) => role === "user" && JSON.stringify(content).includes(task));
}

function isRepair({ messages }: RecordedRequest): boolean {
  return messages.some(({ role }) => role === "assistant");
}

function folderIn({ messages }: RecordedRequest): string {
  return /\.openclaw\/attachments\/[0-9a-f-]+/.exec(JSON.stringify(messages))![0];
}

function runIdIn(request: RecordedRequest): string {
  return (JSON.parse(lastToolResult(request)) as { runId: string }).runId;
}

function session(name: string): string {
  return `agent:main:${name}`;
}

const CONTENT = "seven beans";
const WITH_FILE = { attachments: [{ name: "beans.txt", content: CONTENT }], cleanup: "delete" };
const COUNTER = {
  task: "COUNT-TASK",
  label: "counter",
  collect: true,
  outputSchema: { type: "object", properties: { beans: { type: "number" } }, required: ["beans"] },
};
const WAIT = { timeout: 60_000 };
