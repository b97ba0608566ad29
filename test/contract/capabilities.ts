/** What a runtime does where it has a capability; where it hasn't, that its lack is refused by name. */

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { messageLine } from "../../src/sessions/transcript-format.ts";
import type { Capability, SpawnResult } from "../../src/types.ts";
import { held, LONG_MS, type Held, type Start, type Started } from "./contract-kit.ts";

export function capabilities(name: string, start: Start): void {
  describe(`${name}, where it has the capability,`, () => {
    /** Tests what it does where it has it, and that its lack is named where it hasn't. */
    const capability = (
      what: Capability,
      does: string,
      test: (started: Started, held: Held) => Promise<void>,
      lacking: (started: Started, held: Held) => Promise<unknown>,
    ): void => {
      it(`${what}: ${does}; or refuses it by name`, async () => {
        const gate = held("let go");
        const started = await start(gate.reply, { maxSpawnDepth: 2 });
        if (started.runtime.capabilities.has(what)) return test(started, gate);
        const refusal = (await lacking(started, gate)) as { code: string; error: string };
        expect(refusal.code).toMatch(/^(capability_missing|isolation_unavailable)$/);
        expect(refusal.error).toMatch(new RegExp(`\\b${what}`));
        gate.go();
      });
    };
    const refusedSpawn =
      (params: Record<string, unknown>) =>
      async ({ runtime, requester }: Started): Promise<SpawnResult> => {
        const refusal = await runtime.spawn({ task: "t", ...params }, requester);
        expect(await runtime.list(requester)).toEqual([]);
        return refusal;
      };

    capability(
      "kill",
      "ends a child at work, without a result",
      async ({ runtime, requester, host, spawn }, { reached }) => {
        const run = await spawn({ task: "endless", label: "Endless" });
        await reached;
        const killed = await runtime.kill("Endless", requester);
        expect(killed).toMatchObject({ status: "ok", runId: run.runId, sessionKey: run.childSessionKey });
        const [view] = await runtime.list(requester);
        expect(view).toMatchObject({ state: "settled", outcome: { status: "killed", cause: { code: "run_killed" } } });
        expect(await runtime.kill("last", requester)).toMatchObject({ status: "done" });
        expect(await runtime.kill("nobody", requester)).toMatchObject({ status: "error", code: "not_found" });
        expect(await runtime.kill("all", requester)).toMatchObject({ status: "done", killed: 0 });
        expect(host.deliveries).toEqual([]);
      },
      ({ runtime, requester }) => runtime.kill("last", requester),
    );

    capability(
      "timeout",
      "stops a child whose time is up, and reports that",
      async ({ host, spawn }) => {
        await spawn({ task: "endless", runTimeoutSeconds: 1 });
        await host.completionsCame(1, LONG_MS);
        expect(host.delivered[0]!.outcome).toMatchObject({ status: "timeout", cause: { code: "run_timeout" } });
      },
      refusedSpawn({ runTimeoutSeconds: 1 }),
    );

    capability(
      "history",
      "shows what a child was told and said, to those above it",
      async ({ runtime, requester, host, spawn }, { go }) => {
        const run = await spawn("say something");
        go();
        await host.completionsCame(1, LONG_MS);
        const { sessionKey, messages } = await runtime.history(run.childSessionKey, requester);
        expect(sessionKey).toBe(run.childSessionKey);
        expect(messages.map(({ role }) => role)).toEqual(["user", "assistant"]);
        expect(JSON.stringify(messages[0])).toContain("say something");
        expect(messages[1]!.content).toEqual([{ type: "text", text: "let go" }]);
        expect((await runtime.history(run.runId, requester, { limit: 1 })).messages).toHaveLength(1);
        const stranger = { ...requester, sessionKey: "agent:main:stranger" };
        await expect(runtime.history(run.childSessionKey, stranger)).rejects.toMatchObject({ code: "not_yours" });
        await expect(runtime.history("unheard-of", requester)).rejects.toMatchObject({ code: "not_found" });
      },
      ({ runtime, requester }) => runtime.history("last", requester),
    );

    capability(
      "inject",
      "puts a message before a child at work without ending its turn",
      async ({ runtime, requester, host, spawn, requests }, { reached, go }) => {
        await spawn("work");
        await reached;
        expect(await runtime.steer("last", "and be quick", requester)).toMatchObject({ mode: "inject" });
        go();
        await host.completionsCame(1, LONG_MS);
        expect(JSON.stringify(requests().at(-1)!.messages)).toMatch(/let go.*and be quick/s);
      },
      async ({ runtime, requester, spawn }, { reached }) => {
        await spawn("work");
        await reached;
        return runtime.steer("last", "and be quick", requester);
      },
    );

    capability(
      "steer",
      "ends a child's turn and begins another with the message, under a new run id, for one result",
      async ({ runtime, requester, host, spawn, requests }, { reached, go }) => {
        const run = await spawn("the wrong thing");
        await reached;
        const steered = await runtime.steer("last", "do the right thing", requester, { interrupt: true });
        expect(steered).toMatchObject({ status: "accepted", mode: "restart", sessionKey: run.childSessionKey });
        const again = steered as { runId: string };
        expect(again.runId).not.toBe(run.runId);
        const soon = await runtime.steer("last", "at once", requester, { interrupt: true });
        expect(soon).toMatchObject({ status: "rate_limited", code: "rate_limited" });
        go();
        await host.completionsCame(1, LONG_MS);
        expect(host.delivered).toMatchObject([{ runId: again.runId, text: "let go", outcome: { status: "ok" } }]);
        expect(requests().at(-1)!.lastUserText).toContain("do the right thing");
        expect(await runtime.list(requester)).toMatchObject([{ runId: again.runId }]);
        const old = await runtime.wait([run.runId], requester, { timeoutMs: LONG_MS });
        expect(old.completed).toMatchObject([{ outcome: { status: "killed" } }]);
        expect(await runtime.steer("last", "more", requester)).toMatchObject({ status: "done" });
        expect(await runtime.steer("last", "", requester)).toMatchObject({ status: "error", code: "params_invalid" });
      },
      ({ runtime, requester }) => runtime.steer("last", "x", requester, { interrupt: true }),
    );

    capability(
      "nesting",
      "lets a child have children of its own",
      async ({ runtime, requester, spawn }, { reached, go }) => {
        const run = await spawn("above");
        await reached;
        const child = { sessionKey: run.childSessionKey, agentId: "main" };
        const below = await runtime.spawn({ task: "below" }, child);
        expect(below).toMatchObject({ status: "accepted" });
        expect(await runtime.list(requester, { descendants: true })).toMatchObject([{ depth: 1 }, { depth: 2 }]);
        go();
      },
      async ({ runtime, spawn }, { reached }) => {
        const run = await spawn("above");
        await reached;
        return runtime.spawn({ task: "below" }, { sessionKey: run.childSessionKey, agentId: "main" });
      },
    );

    capability(
      "tools",
      "narrows the tools of one child",
      async ({ host, spawn, requests }, { go }) => {
        go();
        await spawn({ task: "look", toolsAllow: ["read"] });
        await host.completionsCame(1, LONG_MS);
        expect(requests()[0]!.body["tools"]).toHaveLength(1);
      },
      refusedSpawn({ toolsAllow: ["read"] }),
    );

    capability(
      "dedicated",
      "gives a child a thread of its own",
      async ({ runtime, spawn }, { reached, go }) => {
        expect(await spawn({ task: "alone", isolation: "dedicated" })).toMatchObject({ isolation: "dedicated" });
        await reached;
        expect(runtime.stats().threads.dedicated).toBe(1);
        go();
      },
      refusedSpawn({ isolation: "dedicated" }),
    );

    capability(
      "collect",
      "keeps a result until it is fetched, and announces nothing",
      async ({ runtime, requester, host, spawn }, { go }) => {
        const run = await spawn({ task: "collected", collect: true, groupId: "batch" });
        expect(run.expectsCompletionMessage).toBe(false);
        go();
        const { completed } = await runtime.wait([run.runId], requester, { timeoutMs: LONG_MS });
        expect(completed).toMatchObject([{ runId: run.runId, outcome: { status: "ok" }, text: "let go" }]);
        const [view] = await runtime.list(requester);
        expect(view).toMatchObject({ groupId: "batch", delivery: "none" });
        expect(await runtime.steer(run.runId, "more", requester)).toMatchObject({ status: "done" });
        expect(host.deliveries).toEqual([]);
      },
      refusedSpawn({ collect: true }),
    );

    capability(
      "attachments",
      "puts files into the child's workspace, and says where",
      async ({ spawn, requester }, { reached, go }) => {
        const content = Buffer.from([0, 255, 10]).toString("base64");
        const files = [
          { name: "a.txt", content: "b" },
          { name: "c", content, encoding: "base64" as const },
        ];
        const { attachments } = await spawn({ task: "look", attachments: files });
        await reached;
        expect(attachments).toMatchObject({ count: 2, totalBytes: 4, files: [{ name: "a.txt" }, { name: "c" }] });
        const path = join(requester.workspaceDir!, attachments!.relDir, "c");
        expect(readFileSync(path)).toEqual(Buffer.from([0, 255, 10]));
        go();
      },
      refusedSpawn({ attachments: [{ name: "a", content: "b" }] }),
    );

    capability(
      "fork",
      "lets a child begin with its requester's conversation, or says why not",
      async ({ runtime, requester, host, spawn, requests }, { go }) => {
        go();
        const transcriptPath = join(requester.workspaceDir!, "talk.jsonl");
        const content = [{ type: "text", text: "remember the word" }];
        writeFileSync(transcriptPath, messageLine({ role: "user", content, timestamp: 1 }, null).line);
        const params = { task: "and say it", context: "fork" as const };
        expect(await runtime.spawn(params, { ...requester, transcriptPath })).toMatchObject({ context: "fork" });
        await host.completionsCame(1, LONG_MS);
        expect(JSON.stringify(requests().at(-1)!.messages)).toMatch(/remember the word.*and say it/s);
        const alone = await spawn(params);
        expect(alone).toMatchObject({ context: "isolated", note: expect.stringContaining("isolated") as string });
      },
      refusedSpawn({ context: "fork" }),
    );

    capability(
      "budget",
      "counts what a child uses of what it was given, and tells it with the result",
      async ({ host, spawn, requests }, { go }) => {
        go();
        const run = await spawn({ task: "answer", budget: { tokens: 9_000, turns: 5 } });
        await host.completionsCame(1, LONG_MS);
        expect(requests()).toHaveLength(1);
        expect(host.delivered).toMatchObject([
          {
            runId: run.runId,
            text: "let go",
            budget: { of: "run", limits: { tokens: 9_000, turns: 5 }, used: { turns: 1 } },
          },
        ]);
        expect(host.delivered[0]!.budget!.used.tokens).toBeGreaterThan(1);
      },
      refusedSpawn({ budget: { turns: 1 } }),
    );

    capability(
      "session",
      "binds a child to a thread, where it stays, takes follow-ups as runs of their own, and is ended by a kill",
      async ({ runtime, requester, host, spawn, requests }, { go }) => {
        go();
        const first = await spawn({ task: "the first thing", label: "Friend", thread: true });
        expect(first.mode).toBe("session");
        await host.completionsCame(1, LONG_MS);
        expect(await runtime.list(requester)).toMatchObject([{ mode: "session", stays: true, state: "settled" }]);
        const { childSessionKey: sessionKey } = first;
        const sent = await runtime.send({ sessionKey, message: "the second" }, requester);
        expect(sent).toMatchObject({ status: "accepted", sessionKey });
        const { runId } = sent as { runId: string };
        await host.completionsCame(2, LONG_MS);
        expect(host.delivered).toMatchObject([{ runId: first.runId }, { runId, childSessionKey: sessionKey }]);
        expect(JSON.stringify(requests().at(-1)!.messages)).toMatch(/the first thing.*let go.*the second/s);
        expect(await runtime.kill("Friend", requester)).toMatchObject({ status: "ok", runId });
        expect(await runtime.send({ sessionKey, message: "more" }, requester)).toMatchObject({ status: "error" });
        expect(await runtime.steer("Friend", "more", requester)).toMatchObject({ status: "done" });
      },
      refusedSpawn({ thread: true, mode: "session" }),
    );

    for (const [what, params] of NOT_YET) {
      capability(what, "isn't tested before a runtime has it", () => Promise.reject(UNTESTED), refusedSpawn(params));
    }
  });
}

const NOT_YET: [Capability, Record<string, unknown>][] = [["process", { isolation: "process" }]];
const UNTESTED = new Error("a runtime has this capability now: write what it promises");
