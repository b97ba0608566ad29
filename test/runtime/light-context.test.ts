import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";

import { serveModel, startRuntime } from "../helpers/runtime-fixture.ts";

it("a child with a light context begins without the workspace's AGENTS.md, another one with it", async () => {
  const server = await serveModel(() => "done");
  const { start, settled, workspaceDir } = await startRuntime({ model: server.model });
  writeFileSync(join(workspaceDir, "AGENTS.md"), "Always answer in verse.");
  for (const [params, has] of [
    [{}, true],
    [{ lightContext: false }, true],
    [{ lightContext: true }, false],
  ] as const) {
    await settled((await start({ task: "greet", ...params })).runId);
    const said = JSON.stringify(server.requests.at(-1)!.messages);
    expect(said.includes("Always answer in verse.")).toBe(has);
    expect(said).toContain("# Role");
  }
});

it.each([
  ["2026.4.1", true],
  ["2026.9.6", false],
] as const)("by the rules of OpenClaw %s, TOOLS.md stands in a child's prompt: %s", async (rules, has) => {
  const server = await serveModel(() => "done");
  const { start, settled, workspaceDir } = await startRuntime({ model: server.model, rules });
  writeFileSync(join(workspaceDir, "AGENTS.md"), "Always answer in verse.");
  writeFileSync(join(workspaceDir, "TOOLS.md"), "The scanner is at the door.");
  await settled((await start("greet")).runId);
  const said = JSON.stringify(server.requests.at(-1)!.messages);
  expect(said).toContain("Always answer in verse.");
  expect(said.includes("# Notes on tools (TOOLS.md)\\nThe scanner is at the door.")).toBe(has);
});
