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
