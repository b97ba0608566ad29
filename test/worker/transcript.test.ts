import { appendFileSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { parseTranscript } from "../../src/sessions/transcript-format.ts";
import type { TranscriptMessage } from "../../src/worker/engine.ts";
import { openTranscript } from "../../src/worker/transcript.ts";
import { tempFolder } from "../helpers/runtime-fixture.ts";

const SESSION = { id: "session-1", cwd: "/workspace" };

describe("a transcript on disk", () => {
  it("is JSON lines of pi's format 3: a header, then entries that hang from one another", async () => {
    const path = newPath();
    await write(path, [user("hello"), assistant("hi\nthere"), user("bye")]);
    const [header, ...entries] = readFileSync(path, "utf8").trimEnd().split("\n").map(parse);
    expect(header).toEqual({ type: "session", version: 3, id: "session-1", timestamp: isoTime, cwd: "/workspace" });
    expect(entries).toHaveLength(3);
    let parentId: unknown = null;
    for (const entry of entries) {
      expect(entry).toMatchObject({ type: "message", id: expect.stringMatching(/^[0-9a-f]{8}$/) as string, parentId });
      parentId = entry["id"];
    }
    expect(entries.map((entry) => (entry["message"] as TranscriptMessage).role)).toEqual(["user", "assistant", "user"]);
  });

  it("is gone on from where it ended, however often it is opened", async () => {
    const path = newPath();
    for (const text of ["one", "two", "three"]) await write(path, [user(text)]);
    const { messages } = parseTranscript(readFileSync(path, "utf8"));
    expect(messages.map(textOf)).toEqual(["one", "two", "three"]);
    expect(readFileSync(path, "utf8").match(/"type":"session"/g)).toHaveLength(1);
  });

  it("keeps the order messages were appended in, though nobody waited for them", async () => {
    const path = newPath();
    const transcript = await openTranscript(path, SESSION);
    const texts = Array.from({ length: 50 }, (_, n) => `${n} ${"x".repeat(n * 100)}`);
    void Promise.all(texts.map((text) => transcript.append(user(text))));
    await transcript.close();
    expect(parseTranscript(readFileSync(path, "utf8")).messages.map(textOf)).toEqual(texts);
  });

  it("can be read by its owner alone, file and folders", async () => {
    const path = newPath();
    await write(path, [user("secret")]);
    // Windows has no such modes: there a user's folder is the user's.
    if (process.platform === "win32") return;
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(dirname(path)).mode & 0o777).toBe(0o700);
    expect(statSync(dirname(dirname(path))).mode & 0o777).toBe(0o700);
  });

  it("that was cut off anywhere opens again with all whole lines, and can be gone on from", async () => {
    const whole = newPath();
    await write(whole, [user("Grüße 😀"), assistant("two"), user("three")]);
    const bytes = readFileSync(whole);
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: bytes.length }), async (end) => {
        const path = newPath();
        mkdirSync(dirname(path), { recursive: true });
        writeFileSync(path, bytes.subarray(0, end));
        await write(path, [user("after")]);
        const lines = readFileSync(path, "utf8").trimEnd().split("\n").map(parse);
        expect(lines[0]).toMatchObject({ type: "session", version: 3 });
        const texts = lines.slice(1).map((line) => textOf(line["message"] as TranscriptMessage));
        expect(texts).toEqual([...["Grüße 😀", "two", "three"].slice(0, texts.length - 1), "after"]);
        const reopened = await openTranscript(path, SESSION);
        expect(reopened.messages.map(textOf)).toEqual(texts);
        await reopened.close();
      }),
      { numRuns: 60, examples: [[0], [5], [bytes.length - 1], [bytes.indexOf(10)], [bytes.indexOf(10) + 1]] },
    );
  });

  it("with a call that has no result answers it as interrupted, once, and leaves answered ones alone", async () => {
    const path = newPath();
    const calls = ["a", "b"].map((id) => ({ type: "toolCall", id, name: "write", arguments: {} }));
    await write(path, [user("go"), { role: "assistant", content: calls, timestamp: 1 }, toolResult("a")]);
    for (const _time of [1, 2]) {
      const transcript = await openTranscript(path, SESSION);
      const results = transcript.messages.filter((message) => message.role === "toolResult");
      expect(results).toMatchObject([
        { toolCallId: "a", isError: false },
        { toolCallId: "b", toolName: "write", isError: true },
      ]);
      expect(textOf(results[1]!)).toMatch(/interrupted.*unknown/);
      await transcript.close();
    }
    expect(parseTranscript(readFileSync(path, "utf8")).messages).toHaveLength(4);
  });

  it.each([
    ["has a broken line in its midst", (path: string) => appendFileSync(path, '{"broken\n{"type":"message"}\n')],
    ["has null for a line", (path: string) => appendFileSync(path, 'null\n{"type":"message"}\n')],
    ["is a folder", () => undefined],
  ])("that %s is refused in one sentence that names it", async (how, spoil) => {
    const path = newPath();
    if (how === "is a folder") mkdirSync(path, { recursive: true });
    else await write(path, [user("fine")]);
    spoil(path);
    const failure = openTranscript(path, SESSION).then(
      async (transcript) => (await transcript.close(), { code: "opened", message: "" }),
      (error: unknown) => error as { code: string; message: string },
    );
    const { code, message } = await failure;
    if (how === "has null for a line") return expect(["opened", "transcript_unusable"]).toContain(code);
    expect(code).toBe("transcript_unusable");
    expect(message).toContain(path);
    expect(message).not.toContain("\n");
  });
});

async function write(path: string, messages: TranscriptMessage[]): Promise<void> {
  const transcript = await openTranscript(path, SESSION);
  for (const message of messages) await transcript.append(message);
  await transcript.close();
}

function newPath(): string {
  return join(tempFolder(), "transcripts", "main", "session-1.jsonl");
}

function user(text: string): TranscriptMessage {
  return { role: "user", content: [{ type: "text", text }], timestamp: 1_700_000_000_000 };
}

function assistant(text: string): TranscriptMessage {
  return { ...user(text), role: "assistant" };
}

function toolResult(toolCallId: string): TranscriptMessage {
  return { ...user("done"), role: "toolResult", toolCallId, toolName: "write", isError: false };
}

function textOf(message: TranscriptMessage): string {
  return (message["content"] as { text: string }[])[0]!.text;
}

function parse(line: string): Record<string, unknown> {
  return JSON.parse(line) as Record<string, unknown>;
}

const isoTime = expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/) as string;
