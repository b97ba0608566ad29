import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import {
  createSubagentRuntime,
  modelsFromConfig,
  parseConfig,
  type Completion,
  type Host,
  type HostTool,
} from "../../src/index.ts";
import { JOBS, taskText } from "../../src/worker/engines/demo/jobs.ts";
import { createWorkerTools } from "../../src/worker/tools/index.ts";
import { TYPESCRIPT_TREE, writeTree } from "../e2e/sample-trees.ts";

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "tool-result-"));
  writeTree(join(root, "workspace"), TYPESCRIPT_TREE);
});
afterEach(() => rmSync(root, { recursive: true, force: true, maxRetries: 5 }));

describe("a demo child", () => {
  it("says of a file what `read` says, though the file says otherwise", async () => {
    const honest = await answerTo("longest-files", await altered("read", (text) => text));
    expect(honest).toContain("1. src/glaze/recipes.ts: 212 lines");
    const changed = await answerTo(
      "longest-files",
      await altered("read", (text, { path }) =>
        path === "src/oven/door.ts" ? `${text.split("\n")[0]}\n[lines 1-1 of 7777]` : text,
      ),
    );
    expect(changed).toContain("1. src/oven/door.ts: 7777 lines");
    expect(changed).toContain("2. src/glaze/recipes.ts: 212 lines");
  });

  it("counts the files that `find` tells of, though the folder holds others", async () => {
    const honest = await answerTo("folders", await altered("find", (text) => text));
    expect(honest).toContain("- docs/ (1 file)");
    const changed = await answerTo(
      "folders",
      await altered("find", (text) => `docs/cones.md\ndocs/ghost.md\n${text.replace(/^docs\/firing\.md\n/m, "")}`),
    );
    expect(changed).toContain("- docs/ (2 files)");
  });

  it("is told an error that the host makes of a result", async () => {
    const failing: HostTool = {
      ...(await altered("read", (text) => text)),
      execute: async () => error("the disk sleeps"),
    };
    expect(await answerTo("longest-files", failing)).toMatch(/Could not be measured: .*: the disk sleeps\./);
  });
});

/** The child's announced answer, with one of its tools replaced by the host's. */
async function answerTo(label: string, tool: HostTool): Promise<string> {
  const config = parseConfig({ agents: { defaults: { model: "demo/scripted" } } });
  const announced = Promise.withResolvers<Completion>();
  const host: Host = {
    resolveModel: modelsFromConfig(config),
    workspaceDir: () => join(root, "workspace"),
    hostTools: () => [tool],
    async deliver([completion]) {
      announced.resolve(completion!);
      return "delivered";
    },
  };
  const runtime = await createSubagentRuntime({ config, host, stateDir: join(root, "state") });
  try {
    const job = JOBS.find((each) => each.label === label)!;
    const requester = { sessionKey: "agent:main:main", agentId: "main" };
    const spawned = await runtime.spawn({ task: taskText(job, "look around"), label }, requester);
    expect(spawned).toMatchObject({ status: "accepted" });
    const completion = await announced.promise;
    expect(completion.outcome).toEqual({ status: "ok" });
    expect(completion.message).toContain(completion.text);
    return completion.text;
  } finally {
    await runtime.close();
  }
}

/** The worker's own tool, run on the host, whose results are changed on their way into the channel. */
async function altered(
  name: string,
  change: (text: string, args: Record<string, unknown>) => string,
): Promise<HostTool> {
  const [real] = await createWorkerTools({
    workspaceDir: join(root, "workspace"),
    names: [name],
    execTimeoutSeconds: 1,
    execEnv: {},
    onProcess: () => undefined,
  });
  const { label, description, parameters } = real!;
  return {
    ...{ name, label, description, parameters },
    async execute(toolCallId, args, signal) {
      const output = await real!.execute(toolCallId, args as Record<string, unknown>, signal);
      const content = output.content.map((block) => ({
        ...block,
        text: change(block.text, args as Record<string, unknown>),
      }));
      return { ...output, content };
    },
  };
}

function error(text: string) {
  return { content: [{ type: "text" as const, text }], isError: true };
}
