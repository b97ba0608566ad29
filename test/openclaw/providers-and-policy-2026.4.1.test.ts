/** A child on a provider of OpenClaw's own, under the rules of a user's plugin, over a broken pairing. */

import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";

import { startModelServer, type ModelServer } from "../helpers/model-server.ts";
import { startGateway, type Gateway } from "./helpers/gateway.ts";
import { installOpenClaw } from "./helpers/install.ts";
import { profileWithPlugin } from "./helpers/plugin-profile.ts";
import { answered } from "./helpers/plugin-state.ts";
import type { Profile } from "./helpers/profile.ts";
import { afterTool, asked, callTool, startScriptedModel, toldResult } from "./helpers/scripted-model.ts";
import { userPlugin, type UserPlugin } from "./helpers/user-plugin.ts";
import type { OpenClawConfig } from "./helpers/user-settings.ts";

describe.each(["pi", "openclaw"])("a child on anthropic, engine %s", (engine) => {
  let main: ModelServer;
  let anthropic: ModelServer;
  let plugin: UserPlugin;
  let gateway: Gateway;

  beforeAll(async () => {
    main = await startScriptedModel([
      [toldResult("READ-IT"), "So be it."],
      [asked(TURN), callTool("sessions_spawn", { task: TASK, label: "reader", model: `anthropic/${CLAUDE}` })],
    ]);
    anthropic = await startModelServer({
      api: "anthropic-messages",
      script: ({ afterToolResult }) => (afterToolResult ? "READ-IT" : callTool("read", { path: "private/diary.txt" })),
    });
    plugin = await userPlugin("private", HOUSE_RULE);
    const profile = await profileWithPlugin(await installOpenClaw("2026.4.1"), {
      modelBaseUrl: main.baseUrl,
      subagents: { engine },
      narrow: true,
      edit: (config) => {
        addAnthropic(config, anthropic.baseUrl);
        plugin.addTo(config);
      },
    });
    await addAuthProfile(profile);
    gateway = await startGateway(profile);
    await gateway.turn(MAIN, TURN);
    await vi.waitUntil(() => main.requests.some(toldResult("READ-IT")), { timeout: 60_000, interval: 50 });
  });
  afterAll(() => anthropic.close());

  test("is served with the key of the auth profile", () => {
    expect(anthropic.requests).toHaveLength(2);
    for (const { headers, body } of anthropic.requests) {
      expect(headers["x-api-key"]).toBe(KEY);
      expect(body).toMatchObject({ model: CLAUDE });
    }
  });

  test("is kept to the rules of the user's own plugin", () => {
    const told = JSON.stringify(anthropic.requests.at(-1)!.messages.at(-1));
    expect(told).toContain(HOUSE_RULE);
  });

  test("is told of to the hooks of the user's plugin", async () => {
    const { runId, childSessionKey } = answered(main.requests.find(afterTool(TURN))!).result;
    await expect.poll(() => plugin.told()).toHaveLength(2);
    const [spawned, ended] = await plugin.told();
    const context = { runId, childSessionKey, requesterSessionKey: MAIN };
    expect(spawned).toMatchObject({
      hook: "subagent_spawned",
      event: { runId, childSessionKey, agentId: "main", label: "reader", mode: "run", threadRequested: false },
      context,
    });
    expect(ended).toMatchObject({
      hook: "subagent_ended",
      event: {
        targetSessionKey: childSessionKey,
        targetKind: "subagent",
        reason: "subagent-complete",
        outcome: "ok",
        runId,
      },
      context,
    });
  });

  test("leaves no key in what the plugin keeps, in transcripts or in the log", async () => {
    await expect.poll(async () => JSON.stringify(await gateway.transcript(MAIN))).toContain("So be it.");
    await gateway.stop();
    const kept = await textsBelow(join(gateway.stateDir, "openclaw-inprocess"));
    const sessions = await textsBelow(join(gateway.stateDir, "agents", "main", "sessions"));
    expect(kept.some((text) => text.includes("READ-IT"))).toBe(true);
    expect(sessions.some((text) => text.includes("READ-IT"))).toBe(true);
    for (const text of [...kept, ...sessions, gateway.log()]) {
      expect(text.includes(KEY)).toBe(false);
      expect(text.includes("key-of-a-scripted-model")).toBe(false);
    }
  });
});

function addAnthropic(config: OpenClawConfig, baseUrl: string): void {
  const { providers } = config.models as { providers: Record<string, unknown> };
  const cost = { input: 3, output: 15, cacheRead: 0.3, cacheWrite: 3.75 };
  const limits = { contextWindow: 200_000, maxTokens: 8_192 };
  const model = { id: CLAUDE, name: "Claude", reasoning: false, input: ["text"], cost, ...limits };
  providers.anthropic = { baseUrl, api: "anthropic-messages", models: [model] };
}

/** As `openclaw models auth` leaves it. */
async function addAuthProfile({ stateDir }: Profile): Promise<void> {
  const profiles = { "anthropic:default": { type: "api_key", provider: "anthropic", key: KEY } };
  const folder = join(stateDir, "agents", "main", "agent");
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "auth-profiles.json"), JSON.stringify({ version: 1, profiles }));
}

async function textsBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return Promise.all(files.map((file) => readFile(file, "latin1")));
}

const MAIN = "agent:main:main";
const TURN = "Please have the diary read.";
const TASK = "CHILD-TASK: read the diary.";
const CLAUDE = "claude-sonnet-4-5";
const KEY = "sk-ant-key-of-an-auth-profile";
const HOUSE_RULE = "HOUSE RULE: diaries are private.";
