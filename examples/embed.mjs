// A gateway that starts two subagents and prints what they bring home. Run it with: node examples/embed.mjs
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createSubagentRuntime, modelsFromConfig, parseConfig } from "openclaw-inprocess";

// demo/scripted works offline. Name a real model here, or hand over what stands in an openclaw.json.
const config = parseConfig({ agents: { defaults: { model: "demo/scripted" } } });
const results = [];
const { promise: bothCame, resolve } = Promise.withResolvers();

// What your gateway gives us: its models, its workspaces, and a way into its sessions.
const host = {
  resolveModel: modelsFromConfig(config),
  workspaceDir: () => process.cwd(),
  async deliver(completions) {
    results.push(...completions);
    if (results.length === 2) resolve();
    return "delivered";
  },
};

const stateDir = await mkdtemp(join(tmpdir(), "embed-"));
const runtime = await createSubagentRuntime({ config, host, stateDir });

// A session's model would do this by calling sessions_spawn: see createSessionTools(runtime, requester).
const requester = { sessionKey: "agent:main:main", agentId: "main" };
await runtime.spawn({ label: "sizes", task: "Find the longest source files and how many lines they have." }, requester);
await runtime.spawn({ label: "tests", task: "Find out what the tests cover." }, requester);

await bothCame;
for (const { label, outcome, text } of results) console.log(`${label} (${outcome.status})\n${text}\n`);
await runtime.close();
await rm(stateDir, { recursive: true });
