import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { SESSION, withThreads } from "../helpers/kept-sessions.ts";
import type { RecordedRequest, Reply } from "../helpers/model-server.ts";
import { serveModel, startRuntime } from "../helpers/runtime-fixture.ts";

const NOTES = "Always answer in verse.";

describe("the AGENTS.md of a child's workspace", () => {
  it("is in its prompt whatever folder it works in, and its tools still see that folder alone", async () => {
    const server = await serveModel(({ afterToolResult }): Reply => {
      return afterToolResult ? "done" : { toolCalls: [{ name: "read", args: { path: "../AGENTS.md" } }] };
    });
    const { start, settled, workspaceDir } = await startRuntime({ model: server.model });
    withNotes(workspaceDir);
    for (const params of [{}, { cwd: "sub" }]) {
      await settled((await start({ task: "greet", ...params })).runId);
      expect(systemOf(server.requests.at(-1)!)).toContain(NOTES);
    }
    const last = JSON.stringify(server.requests.at(-1)!.messages.at(-1));
    expect(last).not.toContain(NOTES);
    expect(last).toContain("workspace");
    await settled((await start({ task: "greet", cwd: "sub", lightContext: true })).runId);
    expect(systemOf(server.requests.at(-1)!)).not.toContain(NOTES);
  });

  it("is in the prompts of those below a child that works in a part of it, and of another agent its own", async () => {
    const server = await serveModel((request): Reply => {
      if (!JSON.stringify(request.messages).includes("[Subagent Task]\\nabove")) return "leaf";
      if (request.afterToolResult || request.lastUserText.includes("[Subagent result]")) return "all in";
      const calls = [{ task: "below" }, { task: "other", agentId: "helper" }];
      return { toolCalls: calls.map((args) => ({ name: "sessions_spawn", args })) };
    });
    const { start, host, workspaceDir } = await startRuntime({
      model: server.model,
      limits: { maxSpawnDepth: 2 },
      config: { agents: { list: [{ id: "main", subagents: { allowAgents: ["*"] } }, { id: "helper" }] } },
    });
    withNotes(workspaceDir);
    const helpers = join(workspaceDir, "helper");
    mkdirSync(helpers);
    writeFileSync(join(helpers, "AGENTS.md"), "Helpers whistle.");
    Object.assign(host, { workspaceDir: (agentId: string) => (agentId === "helper" ? helpers : workspaceDir) });
    await start({ task: "above", cwd: "sub" });
    await host.completionsCame(1);
    const promptOf = (task: string): string =>
      systemOf(server.requests.find(({ messages }) => JSON.stringify(messages).includes(`[Subagent Task]\\n${task}`))!);
    expect(promptOf("below")).toContain(NOTES);
    expect(promptOf("below")).toContain(`workspace: ${join(workspaceDir, "sub")}`);
    expect(promptOf("other")).toContain("Helpers whistle.");
    expect(promptOf("other")).not.toContain(NOTES);
  });

  it("is there for a follow-up, too, after a restart", async () => {
    const server = await serveModel(() => "done");
    const before = await withThreads({ model: server.model });
    withNotes(before.workspaceDir);
    await before.start({ ...SESSION, task: "stay", label: "Friend", cwd: "sub" });
    await before.host.completionsCame(1);
    await before.close();
    const { runtime, requester, host } = await withThreads({ model: server.model, stateDir: before.stateDir });
    await runtime.send({ label: "Friend", message: "more" }, requester);
    await host.completionsCame(1);
    expect(server.requests.map((request) => systemOf(request).includes(NOTES))).toEqual([true, true]);
  });
});

function withNotes(workspaceDir: string): void {
  mkdirSync(join(workspaceDir, "sub"));
  writeFileSync(join(workspaceDir, "AGENTS.md"), NOTES);
}

function systemOf({ messages }: RecordedRequest): string {
  const [first] = messages;
  expect(first!.role).toBe("system");
  return typeof first!.content === "string" ? first!.content : (first!.content as { text: string }[])[0]!.text;
}
