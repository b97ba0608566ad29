import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { openRegistry } from "../../src/registry/registry.ts";
import { lastTextIn } from "../../src/runtime/last-text.ts";
import { headerLine, messageLine, type StoredMessage } from "../../src/sessions/transcript-format.ts";
import type { RecordedRequest, Script } from "../helpers/model-server.ts";
import { accepted, gate, serveModel, startRuntime, tempFolder } from "../helpers/runtime-fixture.ts";

describe("a child whose context is a fork", () => {
  it("begins with the conversation as it stood at the spawn, and its task comes after that", async () => {
    const { start, host, server, requester, transcriptPath, runtime } = await talking(() => "done", {
      maxConcurrent: 1,
    });
    const before = readFileSync(transcriptPath, "utf8");
    const run = await start({ task: "go on with it", context: "fork" }, requester);
    expect(run).toMatchObject({ context: "fork" });
    expect(run.note).not.toContain("isolated");
    writeFileSync(transcriptPath, messageLine(says("user", "said after the spawn"), null).line, { flag: "a" });
    await host.completionsCame(1);
    const { messages } = server.requests[0]!;
    expect(messages.slice(1).map(wordsOf)).toEqual([
      "the secret word is xylophone",
      "I'll keep it in mind",
      expect.stringMatching(/^You are a subagent at depth 1.*\[Subagent Task\]\ngo on with it$/s),
    ]);
    expect((await runtime.list(requester))[0]).toMatchObject({ context: "fork" });
    expect(readFileSync(transcriptPath, "utf8").startsWith(before)).toBe(true);
  });

  it("of a child of ours begins with that child's own transcript, whatever it says of itself", async () => {
    const reply: Script = async ({ lastUserText, afterToolResult }) => {
      if (!lastUserText.includes("fork yourself") || afterToolResult) return "done";
      return { text: "I fork.", toolCalls: [{ name: "sessions_spawn", args: { task: "below", context: "fork" } }] };
    };
    const { start, host, server, requester } = await talking(reply, { maxSpawnDepth: 2 });
    await start("fork yourself", requester);
    await host.completionsCame(1);
    const below = server.requests.find((request) => request.lastUserText.endsWith("below"))!;
    const words = below.messages.slice(1).map(wordsOf);
    expect(words[0]).toMatch(/depth 1.*fork yourself$/s);
    expect(words[1]).toContain("I fork.");
    expect(words[2]).toMatch(/branched from/);
    expect(words.at(-1)).toMatch(/depth 2.*below$/s);
  });

  it("goes on in the same transcript in a turn of its own, begun with the fork once", async () => {
    const { start, host, server, requester, runtime } = await talking(({ index }) =>
      index === 0 ? { silent: true } : "second",
    );
    await start({ task: "work", context: "fork" }, requester);
    await expect.poll(() => server.requests.length, { timeout: 15_000 }).toBe(1);
    await runtime.steer("last", "and more", requester, { interrupt: true });
    await host.completionsCame(1);
    const last = JSON.stringify(server.requests.at(-1)!.messages);
    expect(last.match(/xylophone/g)).toHaveLength(1);
    expect(last).toMatch(/\[Subagent Task\].*work.*and more/s);
  });

  it("is isolated, and the answer says why, when the conversation is too large, unknown or unreadable", async () => {
    const { runtime, server, requester, host } = await talking(() => "done");
    const { size } = statSync(requester.transcriptPath);
    host.model = { ...server.model, contextWindow: Math.floor((size - 1) / 2) };
    const fork = async (more: object) =>
      accepted(await runtime.spawn({ task: "alone", context: "fork" }, { ...requester, ...more }));
    const cases: [object, RegExp][] = [
      [{}, new RegExp(`too large.*${size} bytes`)],
      [{ transcriptPath: `${requester.transcriptPath}.gone` }, /can't be read/],
    ];
    for (const [more, why] of cases) {
      const run = await fork(more);
      expect(run).toMatchObject({ context: "isolated" });
      expect(run.note).toMatch(why);
    }
    const { transcriptPath: _unknown, ...nameless } = requester;
    const unknown = accepted(await runtime.spawn({ task: "alone", context: "fork" }, nameless));
    expect(unknown.note).toMatch(/isn't known here/);
    await host.completionsCame(3);
    expect(JSON.stringify(server.requests.map((request) => request.messages))).not.toContain("xylophone");
    expect(await runtime.list(requester)).toMatchObject([{ context: "isolated" }, {}, {}]);
  });

  it("of a model whose size only the host's engine knows is held to OpenClaw's cap alone", async () => {
    const { server, start, requester, host, transcriptPath } = await talking(() => "done");
    host.model = { ...server.model, contextWindow: 0 };
    expect(await start({ task: "go on", context: "fork" }, requester)).toMatchObject({ context: "fork" });
    await host.completionsCame(1);
    writeFileSync(transcriptPath, messageLine(says("user", "x".repeat(400_000)), null).line, { flag: "a" });
    const run = await start({ task: "alone", context: "fork" }, requester);
    expect(run).toMatchObject({ context: "isolated", note: expect.stringContaining("at most 400000") as string });
    await host.completionsCame(2);
  });

  it("fails by a sentence when its source is gone before its thread takes it up", async () => {
    const held = gate();
    const reply: Script = async () => {
      await held.opened;
      return "done";
    };
    const { start, settled, requester, transcriptPath } = await talking(reply, { maxConcurrent: 1 });
    await start("first", requester);
    const run = await start({ task: "go on", context: "fork" }, requester);
    writeFileSync(transcriptPath, "");
    held.open();
    const { outcome } = await settled(run.runId);
    expect(outcome).toMatchObject({ status: "error", cause: { code: "transcript_unusable" } });
    expect(outcome.cause!.message).toContain(transcriptPath);
  });

  it("of another agent is refused", async () => {
    const { runtime, requester } = await talking(() => "done");
    const refusal = await runtime.spawn({ task: "x", context: "fork", agentId: "helper" }, requester);
    expect(refusal).toMatchObject({ status: "error", code: "params_invalid" });
    expect(await runtime.list(requester)).toEqual([]);
  });
});

it("the last words of a forked session are its own, never those of the session it came from", async () => {
  const { start, settled, requester, stateDir } = await talking(() => "own words");
  const run = await start({ task: "speak", context: "fork" }, requester);
  await settled(run.runId);
  const registry = openRegistry({ file: join(stateDir, "registry.sqlite"), readOnly: true });
  const { transcriptPath } = registry.run(run.runId)!;
  await registry.close();
  expect(lastTextIn(transcriptPath)).toBe("own words");
  const lines = readFileSync(transcriptPath, "utf8").trimEnd().split("\n");
  writeFileSync(transcriptPath, `${lines.slice(0, -1).join("\n")}\n`);
  expect(existsSync(transcriptPath)).toBe(true);
  expect(lastTextIn(transcriptPath)).toBe("");
});

/** A requester with a conversation behind it. */
async function talking(script: Script, limits: Record<string, unknown> = {}) {
  const server = await serveModel(script);
  const config = { agents: { list: [{ id: "main", subagents: { allowAgents: ["helper"] } }, { id: "helper" }] } };
  const fixture = await startRuntime({ model: server.model, limits, config });
  const transcriptPath = join(tempFolder(), "main.jsonl");
  const first = messageLine(says("user", "the secret word is xylophone"), null);
  const second = messageLine(says("assistant", "I'll keep it in mind"), first.id);
  writeFileSync(transcriptPath, `${headerLine("above", "/")}${first.line}${second.line}`);
  return { ...fixture, server, transcriptPath, requester: { ...fixture.requester, transcriptPath } };
}

function says(role: "user" | "assistant", text: string): StoredMessage {
  const message = { role, content: [{ type: "text", text }], timestamp: 1 };
  if (role === "user") return message;
  const usage = { input: 1, output: 1, cacheRead: 0, cacheWrite: 0, totalTokens: 2, cost: NO_COST };
  return {
    ...message,
    api: "openai-completions",
    provider: "scripted",
    model: "scripted-1",
    usage,
    stopReason: "stop",
  };
}

function wordsOf({ content }: RecordedRequest["messages"][number]): string {
  if (typeof content === "string") return content;
  return ((content ?? []) as { text?: string }[]).map(({ text }) => text ?? "").join("");
}

const NO_COST = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0, total: 0 };
