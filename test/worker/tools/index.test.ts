import { describe, expect, it } from "vitest";
import { createWorkerTools, WORKER_TOOL_NAMES } from "../../../src/worker/tools/index.ts";
import { codeOf, createHarness, textOf } from "./harness.ts";

const OPTIONS = { workspaceDir: "/nowhere/at/all", execTimeoutSeconds: 5, onProcess: () => {} };

describe("createWorkerTools", () => {
  it("gives the tools that were asked for and passes over unknown names", async () => {
    const tools = await createWorkerTools({ ...OPTIONS, names: ["search", "read", "sessions_spawn"] });
    expect(tools.map((tool) => tool.name)).toEqual(["read", "search"]);
  });

  it("has read, write, edit, list, find, search and exec, each with a schema of an object", async () => {
    const tools = await createWorkerTools({ ...OPTIONS, names: [...WORKER_TOOL_NAMES] });
    expect(tools.map((tool) => tool.name)).toEqual(["read", "write", "edit", "list", "find", "search", "exec"]);
    for (const tool of tools) expect(tool.parameters).toMatchObject({ type: "object" });
  });

  it("describes a call in one short line whatever the arguments are", async () => {
    const tools = await createWorkerTools({ ...OPTIONS, names: [...WORKER_TOOL_NAMES] });
    const garbage = [undefined, null, 7, "x", [], { path: 3 }, { pattern: {} }, { command: ["ls"] }];
    for (const tool of tools) for (const args of garbage) expect(tool.describe(args)).toEqual(expect.any(String));
    const exec = tools.find((tool) => tool.name === "exec");
    expect(exec?.describe({ command: `echo a\n echo ${"b".repeat(500)}` })).toMatch(/^echo a echo b{100,110}…$/);
    expect(tools.find((tool) => tool.name === "list")?.describe({})).toBe(".");
  });

  it("answers a workspace that isn't there with an output that names it", async () => {
    const [read] = await createWorkerTools({ ...OPTIONS, names: ["read"] });
    const output = await read?.execute("1", { path: "a" }, new AbortController().signal);
    expect(output).toMatchObject({ isError: true, details: { code: "workspace_unusable" } });
  });

  it("answers missing and mistyped arguments with the name of the argument", async () => {
    const harness = createHarness({ "a.txt": "a" });
    const calls: [string, Record<string, unknown>, string][] = [
      ["read", {}, "path"],
      ["read", { path: 5 }, "path"],
      ["read", { path: "a.txt", offset: 0 }, "offset"],
      ["read", { path: "a.txt", limit: "many" }, "limit"],
      ["write", { path: "a.txt" }, "content"],
      ["edit", { path: "a.txt", oldText: "a" }, "newText"],
      ["edit", { path: "a.txt", edits: [7] }, "oldText"],
      ["list", { path: 5 }, "path"],
      ["find", {}, "pattern"],
      ["search", { path: "a.txt" }, "pattern"],
      ["exec", { command: ["ls"] }, "command"],
      ["exec", { command: "echo", timeout: -1 }, "timeout"],
    ];
    for (const [tool, args, named] of calls) {
      const output = await harness.call(tool, args);
      expect(codeOf(output), `${tool} ${JSON.stringify(args)}`).toBe("params_invalid");
      expect(textOf(output)).toContain(`"${named}"`);
    }
  });

  it("takes numbers that a model sent as text", async () => {
    const harness = createHarness({ "a.txt": "1\n2\n3\n" });
    expect(await harness.text("read", { path: "a.txt", offset: "2", limit: "1" })).toContain("[lines 2-2 of 3]");
  });

  it("does nothing once the run is aborted", async () => {
    const harness = createHarness({ "a.txt": "1" });
    const output = await harness.call("write", { path: "a.txt", content: "2" }, AbortSignal.abort());
    expect(output.isError).toBe(true);
    expect(await harness.text("read", { path: "a.txt" })).toBe("1");
  });
});
