import { describe, expect, it } from "vitest";

import { createSessionTools } from "../../src/tools/session-tools.ts";
import { SESSION, withThreads } from "../helpers/kept-sessions.ts";
import { startRuntime, type Fixture } from "../helpers/runtime-fixture.ts";

type Json = Record<string, unknown>;

describe("subagents wait", () => {
  it("for a run before the last of its session gives what came of that one", async () => {
    const fixture = await withThreads({ engine: "by-task" });
    const { start, settled, runtime, requester, host } = fixture;
    const first = await start({ ...SESSION, task: "echo one", label: "Stays", taskName: "stays" });
    await settled(first.runId);
    const sent = await runtime.send({ label: "Stays", message: "echo two" }, requester);
    const { runId } = sent as { runId: string };
    await host.completionsCame(2);
    const answer = await waitFor(fixture, first.runId);
    expect(answer).toMatchObject({ status: "ok", reason: "completed", text: "Stays: done" });
    expect(answer["tasks"]).toEqual([
      {
        index: 1,
        runId: first.runId,
        sessionKey: first.childSessionKey,
        label: "Stays",
        taskName: "stays",
        task: "echo one",
        status: "done",
        pendingDescendants: 0,
        runtime: expect.stringMatching(/^\d+s$/) as string,
        runtimeMs: expect.any(Number) as number,
        model: expect.any(String) as string,
        totalTokens: 0,
        stays: true,
        result: expect.stringContaining("echo one") as string,
      },
    ]);
    expect((answer["tasks"] as Json[])[0]!["result"]).not.toContain("two");
    expect(await waitFor(fixture, runId, first.runId, runId)).toMatchObject({
      reason: "completed",
      tasks: [{ runId, result: expect.stringContaining("two") as string }, { runId: first.runId }],
      text: "Stays: done\nStays: done",
    });
  });

  it("for a run that was interrupted says that it was, not that it isn't there", async () => {
    const fixture = await startRuntime({ engine: "by-task" });
    const { start, runtime, requester } = fixture;
    const { runId } = await start({ task: "waits", label: "Turned" });
    await expect.poll(() => runtime.stats().runs.running).toBe(1);
    const steered = await runtime.steer("Turned", "waits for something else", requester, { interrupt: true });
    expect(steered).toMatchObject({ status: "accepted" });
    const answer = await waitFor(fixture, runId);
    expect(answer).toMatchObject({ reason: "completed", tasks: [{ runId, label: "Turned", status: "failed" }] });
    expect((answer["tasks"] as Json[])[0]!["reason"]).toBeTypeOf("string");
  });

  it("for what isn't there says so", async () => {
    const fixture = await startRuntime({ engine: "by-task" });
    expect(await waitFor(fixture, "nobody")).toMatchObject({
      reason: "unavailable",
      tasks: [],
      errors: [{ runId: "nobody", error: "not_found" }],
      text: "None of them is there.",
    });
  });
});

async function waitFor({ runtime, requester }: Fixture, ...taskIds: string[]): Promise<Json> {
  const tool = createSessionTools(runtime, requester).find(({ name }) => name === "subagents")!;
  const args = { action: "wait", taskIds, timeoutSeconds: 30 };
  const { content, details } = await tool.execute("call", args, AbortSignal.timeout(60_000));
  // Without the fields that are undefined.
  expect(JSON.parse(content[0]!.text)).toEqual(JSON.parse(JSON.stringify(details)));
  return JSON.parse(content[0]!.text) as Json;
}
