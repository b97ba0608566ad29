import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { createSessionTools } from "../../src/tools/session-tools.ts";
import { serveModel, startRuntime, type FixtureOptions } from "../helpers/runtime-fixture.ts";

type Json = Record<string, unknown>;

describe("null in what sessions_spawn is given", () => {
  it("is nothing in a budget, in an attachment and in where they go, as it is beside them", async () => {
    const { spawn, runtime, requester, workspaceDir } = await spawning();
    const attachments = [
      { name: "a.txt", content: "YQ==", encoding: "base64", mimeType: null },
      { name: "empty.txt", content: "", encoding: null, mimeType: "" },
    ];
    const budget = { tokens: 500, usd: null, turns: null, toolCalls: null, wallSeconds: null };
    const receipt = await spawn({ budget, attachments, attachAs: { mountPath: null }, cwd: null });
    expect(receipt).toMatchObject({ status: "accepted", attachments: { count: 2, totalBytes: 1 } });
    expect((await runtime.list(requester))[0]!.budget).toEqual({ tokens: 500 });
    const { relDir } = receipt["attachments"] as { relDir: string };
    expect(readFileSync(join(workspaceDir, relDir, "a.txt"), "utf8")).toBe("a");
    expect(readFileSync(join(workspaceDir, relDir, "empty.txt"), "utf8")).toBe("");
  });

  it("everywhere in a budget is no budget", async () => {
    const { spawn, runtime, requester } = await spawning();
    expect(await spawn({ budget: { tokens: null, usd: null } })).toMatchObject({ status: "accepted" });
    expect((await runtime.list(requester))[0]).not.toHaveProperty("budget");
  });

  it("is refused where something is needed", async () => {
    const { spawn } = await spawning();
    for (const file of [{ name: null, content: "x" }, { name: "a", content: null }, null]) {
      expect(await spawn({ attachments: [file] })).toMatchObject({
        code: "params_invalid",
        error: expect.stringContaining("attachments.0") as string,
      });
    }
  });

  it("stays what it is in a JSON Schema", async () => {
    const server = await serveModel(() => "{}");
    const { spawn, settled } = await spawning({ model: server.model });
    const outputSchema = { type: "object", properties: { a: { const: null } }, default: null };
    const { runId } = await spawn({ collect: true, outputSchema });
    expect(await settled(runId as string)).toMatchObject({ structured: {} });
    expect(JSON.stringify(server.requests[0]!.body)).toMatch(/const\W+null/);
  });
});

async function spawning(options: FixtureOptions = { engine: "by-task" }) {
  const config = { tools: { sessions_spawn: { attachments: { enabled: true } } } };
  const fixture = await startRuntime({ ...options, config });
  const [tool] = createSessionTools(fixture.runtime, fixture.requester);
  const spawn = async (args: Json): Promise<Json> =>
    (await tool!.execute("call", { task: "waits", ...args }, AbortSignal.timeout(10_000))).details as Json;
  return { ...fixture, spawn };
}
