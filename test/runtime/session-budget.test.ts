import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";

import { SESSION, withThreads } from "../helpers/kept-sessions.ts";
import type { Reply } from "../helpers/model-server.ts";
import { recordOf, serveModel } from "../helpers/runtime-fixture.ts";

const USED_UP = {
  status: "forbidden",
  code: "budget",
  error: expect.stringMatching(/^The session can't be gone on with\. .* is used up: 2 of 2 model calls/) as string,
};

describe("the budget of a session that stays", () => {
  it("is one for all its runs, and no follow-up begins once it is used up", async () => {
    const server = await serveModel(({ index }) => `answer ${index}`);
    const fixture = await withThreads({ model: server.model });
    const { start, runtime, requester, host } = fixture;
    const run = await start({ ...SESSION, task: "stay", label: "Friend", budget: { turns: 2 } });
    await host.completionsCame(1);
    const sent = await runtime.send({ label: "Friend", message: "more" }, requester);
    expect(sent).toMatchObject({ status: "accepted" });
    await host.completionsCame(2);
    expect(host.delivered.map(({ budget }) => budget)).toMatchObject([
      { of: "run", limits: { turns: 2 }, used: { turns: 1 } },
      { of: "run", limits: { turns: 2 }, used: { turns: 2 } },
    ]);
    const { totalTokens } = host.delivered[0]!.usage;
    expect(host.delivered[1]!.budget!.used.tokens).toBe(totalTokens + host.delivered[1]!.usage.totalTokens);
    expect(await runtime.list(requester)).toMatchObject([{ stays: true, budget: { turns: 2 } }]);
    expect(await runtime.send({ label: "Friend", message: "more" }, requester)).toMatchObject(USED_UP);
    expect(await runtime.steer(run.runId, "more", requester)).toMatchObject(USED_UP);
    expect(server.requests).toHaveLength(2);
    // It is still there, to be read and ended.
    expect(await runtime.kill("Friend", requester)).toMatchObject({ status: "ok" });
  });

  it("ends a follow-up in its middle, and is told of with what all runs have used", async () => {
    const server = await serveModel(({ index }): Reply => {
      return index === 0 ? "ready" : { text: `step ${index}`, toolCalls: [{ name: "list", args: {} }] };
    });
    const { start, runtime, requester, host } = await withThreads({ model: server.model });
    await start({ ...SESSION, task: "stay", label: "Friend", budget: { turns: 3 } });
    await host.completionsCame(1);
    await runtime.send({ label: "Friend", message: "go on and on" }, requester);
    await host.completionsCame(2);
    expect(host.delivered[1]).toMatchObject({
      outcome: { status: "error", cause: { code: "budget" } },
      text: "step 2",
      usage: { turns: 2 },
      budget: { of: "run", used: { turns: 3 }, exceeded: "turns" },
    });
    expect(host.delivered[1]!.message).toContain("turns 3 of 3 (used up)");
  });

  it("goes on over a restart, and the time between its runs doesn't count", async () => {
    const server = await serveModel(({ index }) => `answer ${index}`);
    const before = await withThreads({ model: server.model });
    const budget = { turns: 2, wallSeconds: 3 };
    const run = await before.start({ ...SESSION, task: "stay", label: "Friend", budget });
    await before.host.completionsCame(1);
    await before.close();
    await sleep(3_100);
    const fixture = await withThreads({ model: server.model, stateDir: before.stateDir });
    const { runtime, requester, host } = fixture;
    const sent = await runtime.send({ label: "Friend", message: "more" }, requester);
    await host.completionsCame(1);
    expect(host.delivered).toMatchObject([{ outcome: { status: "ok" }, budget: { used: { turns: 2 } } }]);
    expect(host.delivered[0]!.budget!.used.wallSeconds).toBeLessThan(3);
    expect((await recordOf(fixture, (sent as { runId: string }).runId))!.budget).toEqual(budget);
    expect(await runtime.send({ label: "Friend", message: "more" }, requester)).toMatchObject(USED_UP);
    expect(await runtime.steer(run.runId, "more", requester)).toMatchObject(USED_UP);
  });

  it("counts what is used below its session, whichever of its runs that was begun in", async () => {
    const server = await serveModel((request): Reply => {
      const isBelow = JSON.stringify(request.messages).includes("[Subagent Task]\\nbelow");
      if (isBelow) return "leaf done";
      if (request.afterToolResult || request.lastUserText.includes("[Subagent result]")) return "all in";
      return { toolCalls: [{ name: "sessions_spawn", args: { task: "below" } }] };
    });
    const limits = { maxSpawnDepth: 2 };
    const { start, runtime, requester, host } = await withThreads({ model: server.model, limits });
    await start({ ...SESSION, task: "above", label: "Above", budget: { turns: 9 } });
    await host.completionsCame(1);
    await runtime.send({ label: "Above", message: "once more" }, requester);
    await host.completionsCame(2);
    const used = host.delivered.map(({ budget }) => budget!.used.turns);
    expect(used).toEqual([4, 8]);
  });
});
