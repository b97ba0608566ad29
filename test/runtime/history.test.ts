import { appendFileSync, existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { HistoryReader } from "../../src/sessions/history-reader.ts";
import { headerLine, messageLine } from "../../src/sessions/transcript-format.ts";
import type { RunEvent } from "../../src/events.ts";
import { closeAfterTest, collect, serveModel, startRuntime, tempFolder } from "../helpers/runtime-fixture.ts";

describe("a descendant's history", () => {
  it("is what it has said, at work and afterwards, by session key or run id, its model's key taken out", async () => {
    const server = await serveModel((request) =>
      request.index === 0
        ? { text: "I look", toolCalls: [{ name: "list", args: {} }] }
        : `the key is ${String(server.model.apiKey)}`,
    );
    const { start, settled, runtime, requester } = await startRuntime({ model: server.model });
    const run = await start("look around");
    await settled(run.runId);
    const short = await runtime.history(run.childSessionKey, requester);
    expect(short).toMatchObject({
      sessionKey: run.childSessionKey,
      truncated: false,
      droppedMessages: false,
      messages: [{ role: "user" }, { role: "assistant" }, { role: "assistant" }],
    });
    expect(short.messages[0]!.content[0]).toMatchObject({ text: expect.stringContaining("look around") as string });
    const whole = await runtime.history(run.runId, requester, { includeTools: true });
    expect(whole.messages.map((message) => message.role)).toEqual(["user", "assistant", "toolResult", "assistant"]);
    const last = await runtime.history(run.runId, requester, { limit: 1 });
    expect(last).toMatchObject({ messages: [{ role: "assistant" }], nextOffset: 1, contentRedacted: true });
    expect(last.messages[0]!.content).toEqual([{ type: "text", text: "the key is ***" }]);
    expect(JSON.stringify(whole)).not.toContain(server.model.apiKey);
  });

  it("is empty before it has begun, and still there once its transcript was put away", async () => {
    const { start, settled, runtime, requester, stateDir } = await startRuntime({
      engine: "by-task",
      limits: { maxConcurrent: 1 },
    });
    const gone = await start({ task: "echo x", cleanup: "delete" });
    await settled(gone.runId);
    await expect
      .poll(async () => (await runtime.list(requester)).find((run) => run.runId === gone.runId)!.delivery)
      .toBe("delivered");
    await start("waits");
    const queued = await start("waits");
    expect(await runtime.history(queued.childSessionKey, requester)).toMatchObject({ messages: [], bytes: 2 });
    expect((await runtime.history(gone.childSessionKey, requester)).messages).toHaveLength(1);
    expect(existsSync(join(stateDir, "transcripts"))).toBe(true);
  });

  it("is for those above it alone", async () => {
    const { start, runtime, requester } = await startRuntime({ engine: "by-task" });
    const child = await start("waits");
    const grandchild = await start("waits", { sessionKey: child.childSessionKey, agentId: "main" });
    const as = (sessionKey: string) => ({ ...requester, sessionKey });
    expect(await runtime.history(grandchild.childSessionKey, requester)).toMatchObject({ truncated: false });
    for (const other of [grandchild.childSessionKey, "agent:main:other"]) {
      await expect(runtime.history(child.childSessionKey, as(other))).rejects.toMatchObject({ code: "not_yours" });
    }
    await expect(runtime.history("agent:main:subagent:none", requester)).rejects.toMatchObject({ code: "not_found" });
    for (const wrong of [{ limit: 0 }, { limit: 1_001 }, { offset: -1 }, { offset: 0.5 }, { maxBytes: 1e6 }]) {
      const asked = runtime.history(child.childSessionKey, requester, wrong);
      await expect(asked).rejects.toMatchObject({ code: "params_invalid" });
    }
  });
});

describe("the reader of transcripts", () => {
  it("reads a long one whole, and shows what fits", async () => {
    const file = join(tempFolder(), "long.jsonl");
    appendFileSync(file, headerLine("id", "/w"));
    const said = { role: "user" as const, content: [{ type: "text", text: "word ".repeat(200_000) }], timestamp: 1 };
    for (let count = 0; count < 20; count++) appendFileSync(file, messageLine(said, null).line);
    const reader = new HistoryReader();
    closeAfterTest(() => reader.close());
    const view = await reader.read(file, WINDOW);
    expect(view).toMatchObject({ contentTruncated: true, droppedMessages: false });
    expect(view.messages).toHaveLength(20);
  });

  it("answers each of several questions, and says what can't be read", async () => {
    const folder = tempFolder();
    const files = ["a", "b", "c"].map((name) => {
      const file = join(folder, `${name}.jsonl`);
      appendFileSync(file, messageLine({ role: "user", content: name, timestamp: 1 }, null).line);
      return file;
    });
    const reader = new HistoryReader();
    closeAfterTest(() => reader.close());
    const views = await Promise.all(files.map((file) => reader.read(file, WINDOW)));
    expect(views.map((view) => view.messages[0]!.content[0])).toMatchObject(["a", "b", "c"].map((text) => ({ text })));
    await expect(reader.read(folder, WINDOW)).rejects.toMatchObject({ code: "transcript_unusable" });
    expect((await reader.read(files[0]!, WINDOW)).messages).toHaveLength(1);
  });

  it("ends its thread when nobody asks, and begins another when somebody does", async () => {
    const reader = new HistoryReader(1);
    closeAfterTest(() => reader.close());
    const missing = join(tempFolder(), "none.jsonl");
    for (let round = 0; round < 3; round++) {
      expect((await reader.read(missing, WINDOW)).messages).toEqual([]);
      await new Promise((resolve) => setTimeout(resolve, 30));
    }
  });

  it("that is closed in the midst of a question fails it", async () => {
    const reader = new HistoryReader();
    const asked = reader.read(join(tempFolder(), "none.jsonl"), WINDOW);
    const failed = expect(asked).rejects.toMatchObject({ code: "transcript_unusable" });
    await reader.close();
    await failed;
  });
});

it("a session that is steered tells so among its events", async () => {
  const { start, runtime, requester, settled } = await startRuntime({ engine: "by-task" });
  const events: RunEvent[] = collect(runtime.events());
  const run = await start("waits");
  await expect.poll(() => runtime.stats().runs.running).toBe(1);
  const { runId } = (await runtime.steer(run.runId, "echo", requester, { interrupt: true })) as { runId: string };
  await settled(run.runId);
  expect(events.filter((event) => event.runId === runId).map((event) => event.type)).toContain("accepted");
});

const WINDOW = { limit: 100, offset: 0, includeTools: false, maxBytes: 81_920, secrets: [] };
