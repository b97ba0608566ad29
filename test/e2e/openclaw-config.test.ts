import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, it } from "vitest";

import { eventsIn, startCli, tempDirs } from "./cli-process.ts";
import { spawns, startAgents, userTexts, type Agents, type AgentServer } from "./scripted-agents.ts";
import { filesHolding, registryIn, transcriptsIn } from "./state-dir.ts";

const open: AgentServer[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.close()));
});

it("run --config takes models, agents and limits from an OpenClaw config, and leaves its other sections alone", async () => {
  const { home, root, workspace, stateDir } = tempDirs();
  const agents: Agents = {
    main(turn, afterTools, request) {
      if (turn === 0) return afterTools ? "I wait." : spawns(CHECK, WRITE, TOO_MANY);
      return `I was told: ${userTexts(request)
        .slice(1)
        .join("\n")
        .match(/^(checked|wrote).*$/gm)
        ?.sort()
        .join("; ")}`;
    },
    child(task, results) {
      if (task === WRITE.task)
        return results.length === 0 ? tool("write", { path: "poem.txt", content: "tide" }) : "wrote a poem";
      return results.length === 0 ? tool("list", {}) : `checked ${results[0]?.trim().replaceAll("\n", " ")}`;
    },
  };
  const openai = await startAgents("openai-completions", agents);
  const anthropic = await startAgents("anthropic-messages", agents);
  open.push(openai, anthropic);
  const config = join(root, "openclaw.json");
  writeFileSync(config, configText({ openai: openai.baseUrl, anthropic: anthropic.baseUrl }));
  writeFileSync(join(workspace, "ledger.csv"), "");

  const args = [
    "run",
    "--config",
    config,
    "--workspace",
    workspace,
    "--state-dir",
    stateDir,
    "--json",
    "look and write",
  ];
  const run = await startCli(args, { home, cwd: root, env: { HOUSE_KEY, MUSE_KEY } }).done;

  expect(run.code, run.stderr).toBe(0);
  const answer: unknown = JSON.parse(run.stdout.trimEnd().split("\n").at(-1) ?? "");
  expect(answer).toMatchObject({ type: "answer", status: "ok", text: "I was told: checked ledger.csv; wrote a poem" });
  expect(answer).toMatchObject({ model: "house/main-1" });

  // Each agent's own model, each with its own server's key in its own API's header.
  expect(openai.mainRequests()[0]?.body.model).toBe("main-1");
  expect(openai.childRequests(CHECK.task)[0]?.body.model).toBe("small-1");
  expect(anthropic.childRequests(WRITE.task)[0]?.body.model).toBe("verse-1");
  expect(anthropic.mainRequests()).toEqual([]);
  for (const { headers, body } of openai.requests) {
    expect(headers.authorization).toBe(`Bearer ${HOUSE_KEY}`);
    expect(JSON.stringify(body)).not.toContain("sk-test");
  }
  for (const { headers, body } of anthropic.requests) {
    expect(headers["x-api-key"]).toBe(MUSE_KEY);
    expect(JSON.stringify(body)).not.toContain("sk-test");
  }
  expect(filesHolding(stateDir, "sk-test")).toEqual([]);
  expect(run.stdout + run.stderr).not.toContain("sk-test");

  // agents.defaults.subagents.maxChildrenPerAgent is 2, so the third call is refused and told so.
  expect(JSON.stringify(openai.mainRequests()[1]?.messages)).toMatch(/forbidden/);
  const { runs } = await registryIn(stateDir);
  expect(runs.map(({ agentId, model }) => [agentId, model]).sort()).toEqual([
    ["main", "house/small-1"],
    ["poet", "muse/verse-1"],
  ]);
  expect(transcriptsIn(stateDir)).toHaveLength(3);
  const queued = eventsIn(run.stdout).flatMap((event) => (event.type === "accepted" ? [event.queuePosition] : []));
  expect(queued).toEqual([0, 1]);
});

const HOUSE_KEY = "sk-test-house-0123456789";
const MUSE_KEY = "sk-test-muse-0123456789";
const CHECK = { task: "check the ledger", label: "check" };
const WRITE = { task: "write a poem", label: "poem", agentId: "poet" };
const TOO_MANY = { task: "one more", label: "more" };

function tool(name: string, args: Record<string, unknown>) {
  return { toolCalls: [{ name, args }] };
}

function configText(servers: { openai: string; anthropic: string }): string {
  return `// As a gateway would have it.
{
  gateway: { bind: "loopback", port: 18789, auth: { mode: "token", token: "\${NOT_SET_AND_NOT_OURS}" } },
  channels: { telegram: { enabled: true, botToken: "not ours" } },
  hooks: { internal: { enabled: false } },
  models: {
    providers: {
      house: {
        baseUrl: "${servers.openai}",
        apiKey: "\${HOUSE_KEY}",
        api: "openai-completions",
        models: [{ id: "main-1", name: "Main" }, { id: "small-1", name: "Small", contextWindow: 32000, maxTokens: 2000 }],
      },
      muse: {
        baseUrl: "${servers.anthropic}",
        apiKey: "\${MUSE_KEY}",
        api: "anthropic-messages",
        models: [{ id: "verse-1", name: "Verse", contextWindow: 200000, maxTokens: 4096 }],
      },
    },
  },
  agents: {
    defaults: {
      model: { primary: "house/main-1" },
      subagents: { maxConcurrent: 1, maxChildrenPerAgent: 2, model: "house/small-1" },
      heartbeat: { every: "30m" },
    },
    list: [
      { id: "main", default: true, subagents: { allowAgents: ["*"] } },
      { id: "poet", model: "muse/verse-1", subagents: { model: "muse/verse-1" } },
    ],
  },
  session: { dmScope: "main" },
}
`;
}
