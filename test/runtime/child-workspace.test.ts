import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";

import { chooseWorkspace } from "../../src/runtime/child-workspace.ts";
import { tempFolder } from "../helpers/runtime-fixture.ts";

it("a child of its requester's agent works where the requester does, one of another agent where that one does", async () => {
  const host = { workspaceDir: (agentId: string) => `/workspaces/${agentId}` };
  const requester = { agentId: "main", workspaceDir: "/workspaces/main/part" };
  expect(await chooseWorkspace(host, {}, requester, "main")).toBe("/workspaces/main/part");
  expect(await chooseWorkspace(host, {}, requester, "helper")).toBe("/workspaces/helper");
  expect(await chooseWorkspace(host, {}, { agentId: "main" }, "main")).toBe("/workspaces/main");
});

it("cwd is looked for in that workspace, and nowhere else", async () => {
  const workspaces = tempFolder();
  for (const path of [join("main", "part"), join("helper", "other")]) {
    mkdirSync(join(workspaces, path), { recursive: true });
  }
  const host = { workspaceDir: (agentId: string) => join(workspaces, agentId) };
  const requester = { agentId: "main", workspaceDir: join(workspaces, "main") };
  expect(await chooseWorkspace(host, { cwd: "part" }, requester, "main")).toBe(join(workspaces, "main", "part"));
  expect(await chooseWorkspace(host, { cwd: "other" }, requester, "helper")).toBe(join(workspaces, "helper", "other"));
  for (const [cwd, agentId] of [
    ["other", "main"],
    ["part", "helper"],
    [join("..", "main"), "helper"],
  ] as const) {
    const choosing = chooseWorkspace(host, { cwd }, requester, agentId);
    await expect(choosing).rejects.toMatchObject({ code: "path_outside_workspace" });
  }
});
