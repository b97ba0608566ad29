import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { createSessionTools } from "../../src/tools/session-tools.ts";
import type { Requester } from "../../src/types.ts";
import {
  MAIN,
  recordOf,
  serveModel,
  startRuntime,
  tempFolder,
  type Accepted,
  type Fixture,
  type FixtureOptions,
} from "../helpers/runtime-fixture.ts";

type Json = Record<string, unknown>;

describe("agents_wait", () => {
  it("comes back at the first that has ended, and names the others as pending", async () => {
    const { start, waitFor } = await tools();
    const go = join(tempFolder(), "go");
    const slow = await start("waits");
    const told = await start({ task: `finishes-when-told ${go}`, label: "Told" });
    const waiting = waitFor({ ids: [slow.runId, told.runId], timeoutSeconds: 60 });
    writeFileSync(go, "");
    expect(await waiting).toEqual({
      completed: [
        {
          runId: told.runId,
          status: "done",
          result: expect.stringContaining(`finishes-when-told ${go}`) as string,
          sessionKey: told.childSessionKey,
          label: "Told",
          usage: { inputTokens: 0, outputTokens: 0 },
        },
      ],
      pending: [slow.runId],
    });
  });

  it("waits for all of them when it is told to, and gives what there is when its time is up", async () => {
    const { start, settled, waitFor } = await tools();
    const go = join(tempFolder(), "go");
    const quick = await start("echo");
    const told = await start(`finishes-when-told ${go}`);
    const ids = [quick.runId, told.runId];
    await settled(quick.runId);
    const all = { ids, mode: "all" };
    expect(await waitFor({ ...all, timeoutSeconds: 0.1 })).toMatchObject({
      completed: [{ runId: quick.runId }],
      pending: [told.runId],
    });
    const waiting = waitFor({ ...all, timeoutSeconds: 60 });
    writeFileSync(go, "");
    expect(await waiting).toMatchObject({ completed: ids.map((runId) => ({ runId })), pending: [] });
    expect(await waitFor({ ids: [(await start("waits")).runId], timeoutSeconds: 0 })).toMatchObject({ completed: [] });
  });

  it("gives what it gave before again, whatever became of the child", async () => {
    const { start, waitFor, runtime, requester } = await tools();
    const [ok, failed, killed, late] = [
      await start("echo"),
      await start("throws"),
      await start("waits"),
      await start({ task: "waits", runTimeoutSeconds: 1 }),
    ];
    await runtime.kill(killed.runId, requester);
    const ids = [ok, failed, killed, late].map(({ runId }) => runId);
    const answer = await waitFor({ ids, mode: "all", timeoutSeconds: 60 });
    expect((answer["completed"] as Json[]).map(({ status }) => status)).toEqual([
      "done",
      "failed",
      "killed",
      "timeout",
    ]);
    expect((answer["completed"] as Json[]).map(({ error }) => typeof error)).toEqual([
      "undefined",
      ...["string", "string", "string"],
    ]);
    expect(await waitFor({ ids, timeoutSeconds: 60 })).toEqual(answer);
  });

  it("tells runs that aren't there from those of others, and goes on waiting for the rest", async () => {
    const fixture = await tools();
    const other: Requester = { ...fixture.requester, sessionKey: "agent:main:other" };
    const theirs = await fixture.start("echo", other);
    const mine = await fixture.start("echo");
    const answer = await fixture.waitFor({ ids: ["nobody", theirs.runId, mine.runId], timeoutSeconds: 60 });
    expect(answer).toMatchObject({
      completed: [{ runId: mine.runId }],
      pending: [],
      errors: [
        { runId: "nobody", error: "not_found" },
        { runId: theirs.runId, error: "not_owner" },
      ],
    });
    expect(await fixture.waitFor({ ids: ["nobody"], timeoutSeconds: 60 })).toMatchObject({ pending: [] });
  });

  it("is for a child as well, which waits for its own children and for no one else's", async () => {
    const server = await serveModel(({ afterToolResult, lastUserText, messages }) => {
      if (!lastUserText.includes("orchestrate")) return { text: "leaf's word", firstByteDelayMs: 50 };
      if (!afterToolResult)
        return { toolCalls: [{ name: "sessions_spawn", args: { task: "leaf", expectsCompletionMessage: false } }] };
      const told = JSON.stringify(messages.at(-1));
      const runId = /runId\\*":\\*"([0-9a-f-]{36})/.exec(told)?.[1];
      if (told.includes("childSessionKey")) {
        return { toolCalls: [{ name: "agents_wait", args: { ids: [runId, "nobody"], timeoutSeconds: 60 } }] };
      }
      return `it said: ${/leaf's word/.exec(told)?.[0]}`;
    });
    const { start, settled } = await tools({ model: server.model, limits: { maxSpawnDepth: 2 } });
    const { text } = await settled((await start("orchestrate")).runId);
    expect(text).toContain("it said: leaf's word");
  });

  it("tells what was used of what by a child under a budget, however it ended", async () => {
    const server = await serveModel(({ afterToolResult, lastUserText }) =>
      lastUserText.includes("once") || afterToolResult
        ? "enough"
        : { toolCalls: [{ name: "list", args: { path: "." } }] },
    );
    const { start, waitFor } = await tools({ model: server.model });
    const budget = { turns: 1, tokens: 100_000 };
    const over = await start({ task: "look around", collect: true, budget });
    const within = await start({ task: "once", collect: true, budget });
    const free = await start({ task: "once", collect: true });
    const ids = [over, within, free].map(({ runId }) => runId);
    const { completed } = await waitFor({ ids, mode: "all", timeoutSeconds: 60 });
    const used = { turns: 1, tokens: expect.any(Number) as number, usd: 0 };
    expect(completed).toMatchObject([
      { status: "failed", budget: { of: "run", limits: budget, used: { ...used, toolCalls: 1 }, exceeded: "turns" } },
      { status: "done", budget: { of: "run", limits: budget, used: { ...used, toolCalls: 0 } } },
      { status: "done" },
    ]);
    expect((completed as Json[])[2]).not.toHaveProperty("budget");
  });

  it("refuses more ids, or more seconds, than it may be asked for, and says how many that are", async () => {
    const { waitFor } = await tools({ config: { tools: { swarm: { waitTimeoutSecondsMax: 5 } } } });
    expect(await waitFor({ ids: ["a"], timeoutSeconds: 6 })).toMatchObject({
      status: "error",
      code: "params_invalid",
      error: expect.stringMatching(/timeoutSeconds.*5.*waitTimeoutSecondsMax/) as string,
    });
    for (const ids of [[], Array.from({ length: 1001 }, (_, index) => `${index}`), "a"]) {
      expect(await waitFor({ ids })).toMatchObject({ status: "error", error: expect.stringMatching(/ids/) as string });
    }
    expect(await waitFor({ ids: ["a"], timeoutSeconds: -1 })).toMatchObject({ status: "error" });
    const thousand = Array.from({ length: 1000 }, (_, index) => `${index}`);
    expect((await waitFor({ ids: thousand }))["errors"]).toHaveLength(1000);
  });

  it("answers within what a thread may be handed: long results are cut and say so, the rest stays pending", async () => {
    const { start, waitFor, settled } = await tools({ limits: { maxChildrenPerAgent: 20 } });
    const runs: Accepted[] = [];
    // A control character takes six characters of JSON.
    for (let n = 0; n < 6; n++) runs.push(await start(`echo ${"\u0001".repeat(40_000)}`));
    for (const { runId } of runs) await settled(runId);
    const fetched: Json[] = [];
    let ids = runs.map(({ runId }) => runId);
    for (let calls = 0; ids.length > 0; calls++) {
      expect(calls).toBeLessThan(10);
      const answer = await waitFor({ ids, timeoutSeconds: 60 });
      expect(Buffer.byteLength(JSON.stringify(answer))).toBeLessThan(524_288);
      expect((answer["completed"] as Json[]).length).toBeGreaterThan(0);
      fetched.push(...(answer["completed"] as Json[]));
      ids = answer["pending"] as string[];
    }
    expect(fetched.map(({ runId }) => runId)).toEqual(runs.map(({ runId }) => runId));
  });

  it("says of a long result where the rest of it is, and it is there", async () => {
    const whole = Array.from({ length: 4_000 }, (_, line) => `line ${line} of the answer`).join("\n");
    const server = await serveModel(() => ({ text: whole, chunkChars: 4_000 }));
    const fixture = await tools({ model: server.model });
    const { runId, childSessionKey } = await fixture.start({ task: "tell", collect: true });
    await fixture.settled(runId);
    const { completed } = await fixture.waitFor({ ids: [runId] });
    const [, kept, cut, most] =
      /^([^]*)\n\[cut: (\d+) characters more stand in the transcript; sessions_history shows at most (\d+) of a text\]$/.exec(
        (completed as { result: string }[])[0]!.result,
      )!;
    expect(whole.startsWith(kept!)).toBe(true);
    expect(kept!.length + Number(cut)).toBe(whole.length);
    const { transcriptPath } = (await recordOf(fixture, runId))!;
    expect(readFileSync(transcriptPath, "utf8")).toContain(JSON.stringify(whole));
    const { messages } = await fixture.runtime.history(childSessionKey, fixture.requester, { limit: 9 });
    const shown = messages
      .at(-1)!
      .content.map((block) => ("text" in block ? block.text : ""))
      .join("");
    expect(shown.length).toBeGreaterThan(0);
    expect(shown.length).toBeLessThanOrEqual(Number(most));
  });

  it("says of a result that was cut off already how much of it is lost to the record, too", async () => {
    const server = await serveModel(() => ({ text: "é".repeat(200_000), chunkChars: 20_000 }));
    const fixture = await tools({ model: server.model });
    const { runId } = await fixture.start({ task: "tell", collect: true });
    await fixture.settled(runId);
    const { completed } = await fixture.waitFor({ ids: [runId] });
    // 256 KiB of the record are 131,072 such characters.
    expect((completed as { result: string }[])[0]!.result).toMatch(
      /\[cut: 99072 characters and 137856 bytes after them more stand in the transcript;/,
    );
  });
});

async function tools(options: FixtureOptions = {}): Promise<Fixture & { waitFor(args: Json): Promise<Json> }> {
  const fixture = await startRuntime({ ...(options.model === undefined ? { engine: "by-task" } : {}), ...options });
  expect(fixture.requester.sessionKey).toBe(MAIN);
  const tool = createSessionTools(fixture.runtime, fixture.requester).find(({ name }) => name === "agents_wait")!;
  return {
    ...fixture,
    waitFor: async (args) => {
      const { content, details } = await tool.execute("call", args, AbortSignal.timeout(60_000));
      expect(JSON.parse(content[0]!.text)).toEqual(details);
      return details as Json;
    },
  };
}
