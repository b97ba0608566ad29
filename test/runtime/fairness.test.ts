import { describe, expect, it } from "vitest";

import type { RecordedRequest } from "../helpers/model-server.ts";
import { collect, gate, serveModel, startRuntime } from "../helpers/runtime-fixture.ts";

const ORCHESTRATORS = 20;
const CHILDREN = 10;

describe("the lane's fairness", () => {
  it("lets 20 orchestrators of one session with 10 children each delay another session's one child by one slot's turn at most", async () => {
    const spawned = gate();
    const held: { task: string; release: () => void }[] = [];
    const asked: string[] = [];
    const server = await serveModel(async (request) => {
      const task = taskOf(request);
      if (task !== "orchestrate") {
        asked.push(task);
        await new Promise<void>((release) => held.push({ task, release }));
        return "done";
      }
      if (request.lastUserText.includes("[Subagent result]")) return "all done";
      if (request.afterToolResult) {
        // None of their children starts before all of them wait: orchestrators keep their slots until then.
        await spawned.opened;
        return "I wait for them.";
      }
      const toolCalls = Array.from({ length: CHILDREN }, (_, n) => ({
        name: "sessions_spawn",
        args: { task: `child ${n}` },
      }));
      return { toolCalls };
    });
    const { runtime, start, requester, host } = await startRuntime({
      model: server.model,
      limits: { maxConcurrent: ORCHESTRATORS, maxSpawnDepth: 2, maxChildrenPerAgent: ORCHESTRATORS },
      subagents: { pool: { maxThreads: 2, runsPerThread: 32 } },
    });
    const events = collect(runtime.events());
    await Promise.all(Array.from({ length: ORCHESTRATORS }, () => start("orchestrate")));
    const children = ORCHESTRATORS * CHILDREN;
    await expect
      .poll(() => events.filter((event) => event.type === "accepted" && event.depth === 2).length, { timeout: 60_000 })
      .toBe(children);
    spawned.open();
    await expect.poll(() => held.length, { timeout: 60_000 }).toBe(ORCHESTRATORS);
    expect(runtime.stats().runs).toEqual({
      queued: children - ORCHESTRATORS,
      running: ORCHESTRATORS,
      waiting: ORCHESTRATORS,
    });

    const before = asked.length;
    const other = await start("the other session's", { ...requester, sessionKey: "agent:main:other" });
    // One of the slots' own jobs, then one of the tree that has waited longer.
    expect(other.queuePosition).toBe(2);
    // One slot after the other becomes free.
    for (const turn of [1, 2]) {
      held.shift()!.release();
      await expect.poll(() => asked.length).toBe(before + turn);
    }
    expect(asked.slice(before)).toContain("the other session's");

    // Everything goes on to its end.
    const letGo = setInterval(() => held.splice(0).forEach(({ release }) => release()), 5);
    await expect.poll(() => host.delivered.length, { timeout: 60_000 }).toBe(ORCHESTRATORS + 1);
    clearInterval(letGo);
    expect(host.delivered.every((one) => one.outcome.status === "ok")).toBe(true);
  }, 240_000);
});

/** The task of the session that a request is of. */
function taskOf({ messages }: RecordedRequest): string {
  const first = JSON.stringify(messages.find((message) => message["role"] === "user")?.["content"]);
  return /child \d+|the other session's|orchestrate/.exec(first.split("[Subagent Task]").at(-1)!)?.[0] ?? "";
}
