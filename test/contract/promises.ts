/** What any runtime does, whatever its capabilities. */

import { describe, expect, it } from "vitest";

import type { SpawnParams } from "../../src/types.ts";
import { collected, held, LONG_MS, POLL, type Start } from "./contract-kit.ts";

export function promises(name: string, start: Start): void {
  describe(`${name}, as any runtime,`, () => {
    it("accepts a spawn, and brings the child's answer by itself, once", async () => {
      const { runtime, requester, host, spawn } = await start(() => "42 files");
      const run = await spawn({ task: "count the files", label: "Counter" });
      expect(run).toMatchObject({ mode: "run", runtime: runtime.kind, expectsCompletionMessage: true });
      expect(run.childSessionKey).toMatch(/^agent:main:subagent:[0-9a-f-]{36}$/);
      await host.completionsCame(1, LONG_MS);
      const { requesterSessionKey, ...completion } = host.delivered[0]!;
      expect(requesterSessionKey).toBe(requester.sessionKey);
      expect(completion).toMatchObject({
        runId: run.runId,
        childSessionKey: run.childSessionKey,
        outcome: { status: "ok" },
        text: "42 files",
        label: "Counter",
        task: "count the files",
      });
      expect(completion.message).toContain(completion.key);
      expect(completion.message).toContain("42 files");
      expect(completion.usage.turns).toBe(1);
      expect(completion.model).toBe(`${run.resolvedProvider}/${run.resolvedModel}`);
      await expect.poll(async () => (await runtime.list(requester))[0]?.delivery).toBe("delivered");
      expect(host.deliveries).toHaveLength(1);
    });

    it("shows the model the task", async () => {
      const { host, requests, spawn } = await start(() => "done");
      await spawn("look at the tests, all of them");
      await host.completionsCame(1, LONG_MS);
      expect(requests()).toHaveLength(1);
      expect(requests()[0]!.lastUserText).toMatch(/\[Subagent Task\]\s+look at the tests, all of them$/);
    });

    it("gives the first answer again for the same idempotency key, and runs once", async () => {
      const { runtime, requester, host, requests, spawn } = await start(() => "once");
      const options = { idempotencyKey: "the same" };
      const [first, beside] = await Promise.all([spawn("a", options), spawn("b", options)]);
      await host.completionsCame(1, LONG_MS);
      expect(await spawn("c", options)).toEqual(first);
      expect(beside).toEqual(first);
      expect(await spawn("d", { idempotencyKey: "another" })).not.toMatchObject({ runId: first.runId });
      await host.completionsCame(2, LONG_MS);
      expect(requests()).toHaveLength(2);
      expect(await runtime.list(requester)).toHaveLength(2);
    });

    it("refuses what is wrong with a spawn, and leaves nothing behind", async () => {
      const { runtime, requester, requests } = await start(() => "never");
      const wrong: [SpawnParams, object][] = [
        [{ task: " " }, { status: "error", code: "params_invalid" }],
        [
          { task: "t", agentId: "Not An Id" },
          { status: "error", code: "params_invalid" },
        ],
        [
          { task: "t", agentId: "stranger" },
          { status: "forbidden", code: "spawn_forbidden" },
        ],
        [
          { task: "t", runTimeoutSeconds: -1 },
          { status: "error", code: "params_invalid" },
        ],
      ];
      for (const [params, refusal] of wrong) {
        expect(await runtime.spawn(params, requester)).toMatchObject(refusal);
      }
      expect(await runtime.spawn({ task: "t" }, { ...requester, depth: 9 })).toMatchObject({ status: "forbidden" });
      expect(await runtime.list(requester)).toEqual([]);
      expect(requests()).toEqual([]);
    });

    it("never has more children at work for a session than the configuration allows", async () => {
      const { reply, go } = held("at last");
      const { runtime, requester, host } = await start(reply, { maxChildrenPerAgent: 2 });
      const results = await Promise.all(["a", "b", "c", "d"].map((task) => runtime.spawn({ task }, requester)));
      expect(results.filter(({ status }) => status === "accepted")).toHaveLength(2);
      const refused = results.find(({ status }) => status === "forbidden") as { error: string };
      expect(refused.error).toMatch(/has 2 active.*maxChildrenPerAgent is 2/);
      go();
      await host.completionsCame(2, LONG_MS);
      expect(await runtime.spawn({ task: "e" }, requester)).toMatchObject({ status: "accepted" });
      await host.completionsCame(3, LONG_MS);
    });

    it("reports a child whose model fails, as the failure it is", async () => {
      const { host, spawn } = await start(() => ({ status: 400, message: "no such model here" }));
      await spawn("try");
      await host.completionsCame(1, LONG_MS);
      const { outcome, message } = host.delivered[0]!;
      expect(outcome).toMatchObject({ status: "error", cause: { message: expect.any(String) as string } });
      expect(message).toContain("status: error");
    });

    it("waits for all or any of its runs, for so long, and says which it can't wait for", async () => {
      const { reply, go } = held("second");
      const { runtime, requester, spawn } = await start((request) =>
        request.lastUserText.includes("slow") ? reply(request) : "first",
      );
      const [quick, slow] = await Promise.all([spawn("quick"), spawn("slow")]);
      const ids = [quick.runId, slow.runId];
      const any = await runtime.wait(ids, requester, { mode: "any", timeoutMs: LONG_MS });
      expect(any).toMatchObject({ completed: [{ runId: quick.runId, text: "first" }], timedOut: false });
      const late = await runtime.wait(ids, requester, { timeoutMs: 20 });
      expect(late).toMatchObject({ completed: [{ runId: quick.runId }], pending: [slow.runId], timedOut: true });
      const stranger = { sessionKey: "agent:main:stranger", agentId: "main" };
      expect(await runtime.wait([slow.runId, "unheard-of"], stranger)).toMatchObject({
        completed: [],
        errors: [
          { runId: slow.runId, error: "not_owner" },
          { runId: "unheard-of", error: "not_found" },
        ],
      });
      const all = runtime.wait(ids, requester, { timeoutMs: LONG_MS });
      go();
      expect(await all).toMatchObject({ completed: [{ text: "first" }, { text: "second" }], pending: [] });
    });

    it("lists a session's own children, at work and ended", async () => {
      const { reply, go } = held("there");
      const { runtime, requester, host, spawn } = await start(reply);
      const run = await spawn({ task: "list me", label: "Listed" });
      await expect.poll(async () => (await runtime.list(requester))[0]?.state, POLL).toBe("running");
      expect(await runtime.list({ ...requester, sessionKey: "agent:main:stranger" })).toEqual([]);
      expect(runtime.stats().runs).toMatchObject({ running: 1, waiting: 0 });
      go();
      await host.completionsCame(1, LONG_MS);
      const [view] = await runtime.list(requester);
      expect(view).toMatchObject({ runId: run.runId, label: "Listed", state: "settled", outcome: { status: "ok" } });
      expect(view!.endedAt).toBeGreaterThanOrEqual(view!.startedAt!);
    });

    it("tells the story of a run in order", async () => {
      const { runtime, host, spawn } = await start(() => "told");
      const events = collected(runtime.events({ text: true }));
      const run = await spawn("tell");
      await host.completionsCame(1, LONG_MS);
      await expect.poll(() => events.map(({ type }) => type), POLL).toContain("delivered");
      const types = events.map(({ type }) => type).filter((type) => LIFE.has(type));
      expect(types).toEqual(["accepted", "started", "settled", "delivered"]);
      expect(new Set(events.map(({ runId }) => runId))).toEqual(new Set([run.runId]));
      expect(events.find(({ type }) => type === "settled")).toMatchObject({ text: "told", outcome: { status: "ok" } });
    });

    it("keeps a result for a requester that is busy, and for a host that fails", async () => {
      const { runtime, requester, host, spawn } = await start(() => "kept");
      let tries = 0;
      host.onDeliver = async () => {
        if (++tries === 1) return "busy";
        if (tries === 2) throw new Error("the host is down");
        return "delivered";
      };
      await spawn("keep");
      await host.deliveredTimes(1, LONG_MS);
      runtime.deliverPending(requester.sessionKey);
      await host.deliveredTimes(3, LONG_MS);
      expect(new Set(host.delivered.map(({ key }) => key)).size).toBe(1);
    });

    it("brings nothing when no result was asked for", async () => {
      const { runtime, requester, host, spawn } = await start(() => "quiet");
      const run = await spawn({ task: "hush", expectsCompletionMessage: false });
      const { completed } = await runtime.wait([run.runId], requester, { timeoutMs: LONG_MS });
      expect(completed).toMatchObject([{ text: "quiet" }]);
      expect(host.deliveries).toEqual([]);
    });

    it("is warm, and once closed takes nothing more and leaves no run unsettled", async () => {
      const { reply, reached, go } = held("too late");
      const { runtime, requester, host, spawn } = await start(reply);
      await runtime.warm();
      const events = collected(runtime.events());
      await spawn("stay");
      await reached;
      await runtime.close();
      expect(events.at(-1)).toMatchObject({ type: "delivered" });
      expect(events.find(({ type }) => type === "settled")).toMatchObject({ outcome: { status: "interrupted" } });
      expect(host.delivered).toHaveLength(1);
      await expect(runtime.spawn({ task: "more" }, requester)).rejects.toMatchObject({ code: "runtime_closed" });
      await expect(runtime.list(requester)).rejects.toMatchObject({ code: "runtime_closed" });
      go();
    });
  });
}

const LIFE: ReadonlySet<string> = new Set(["accepted", "started", "waiting", "resumed", "settled", "delivered"]);
