import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, it } from "vitest";

import { headerLine, messageLine, parseTranscript, type StoredMessage } from "../../src/sessions/transcript-format.ts";
import { beginFork } from "../../src/worker/fork.ts";
import { openTranscript } from "../../src/worker/transcript.ts";
import { tempFolder } from "../helpers/runtime-fixture.ts";

it("a transcript begins with another's messages as they stood, under its own header", async () => {
  const { source, task } = sourceOf([user("hello"), assistant("hi")]);
  const { size } = statSync(source);
  writeFileSync(source, messageLine(user("said since"), null).line, { flag: "a" });
  expect(beginFork({ ...task, forkOf: { path: source, bytes: size } })).toBe(true);
  const text = readFileSync(task.transcriptPath, "utf8");
  expect(JSON.parse(text.split("\n")[0]!)).toMatchObject({ type: "session", id: "child", cwd: "/child" });
  expect(parseTranscript(text).messages).toEqual([user("hello"), assistant("hi")]);
  const transcript = await openTranscript(task.transcriptPath, { id: "child", cwd: "/child" });
  await transcript.append(user("my task"));
  await transcript.close();
  const entries = readFileSync(task.transcriptPath, "utf8").trimEnd().split("\n").slice(1).map(parse);
  expect(entries.map(({ parentId }) => parentId)).toEqual([null, entries[0]!.id, entries[1]!.id]);
  if (process.platform !== "win32") expect(statSync(task.transcriptPath).mode & 0o777).toBe(0o600);
});

it("calls that were under way there are answered: their results are another's", () => {
  const calls = assistant("", [
    { type: "toolCall", id: "c1", name: "read", arguments: {} },
    { type: "toolCall", id: "c2", name: "sessions_spawn", arguments: {} },
  ]);
  const result = { role: "toolResult" as const, toolCallId: "c1", toolName: "read", content: [], timestamp: 3 };
  const { source, task } = sourceOf([user("go"), calls, result]);
  beginFork({ ...task, forkOf: { path: source, bytes: statSync(source).size } });
  const { messages } = parseTranscript(readFileSync(task.transcriptPath, "utf8"));
  expect(messages).toHaveLength(4);
  expect(messages[3]).toMatchObject({ role: "toolResult", toolCallId: "c2", toolName: "sessions_spawn" });
  expect(JSON.stringify(messages[3])).toMatch(/branched from/);
});

it("one that is there already is left as it is, and without a source none is made", () => {
  const { source, task } = sourceOf([user("hello")]);
  expect(beginFork(task)).toBe(false);
  expect(existsSync(task.transcriptPath)).toBe(false);
  mkdirSync(dirname(task.transcriptPath), { recursive: true });
  writeFileSync(task.transcriptPath, "mine");
  expect(beginFork({ ...task, forkOf: { path: source, bytes: 10 } })).toBe(false);
  expect(readFileSync(task.transcriptPath, "utf8")).toBe("mine");
});

it("what is no whole entry or message in a source is passed over, wherever it stands", () => {
  const { source, task } = sourceOf([user("hello")]);
  const parent = parse(readFileSync(source, "utf8").trimEnd().split("\n")[1]!).id;
  const whole = { role: "user", content: "and", timestamp: 2 };
  const { timestamp: _none, ...timeless } = whole;
  const bad = [
    timeless,
    { ...whole, timestamp: 1e300 },
    { ...whole, content: null },
    { ...whole, role: "assistant", content: [null] },
    null,
  ];
  let above = parent;
  const entries = [...bad, whole].map((message, index) => {
    const line = JSON.stringify({ type: "message", id: `id${index}`, parentId: above, message });
    above = `id${index}`;
    return line;
  });
  writeFileSync(source, `${["null", "{garbage", "7", ...entries, "[]", '{"torn'].join("\n")}`, { flag: "a" });
  expect(beginFork({ ...task, forkOf: { path: source, bytes: statSync(source).size } })).toBe(true);
  expect(parseTranscript(readFileSync(task.transcriptPath, "utf8")).messages).toEqual([user("hello"), whole]);
});

it("a source that is gone or shorter than it was is named, and nothing is made of it", () => {
  const { source, task } = sourceOf([user("hello")]);
  const { size } = statSync(source);
  for (const forkOf of [
    { path: `${source}.gone`, bytes: size },
    { path: source, bytes: size + 1 },
  ]) {
    expect(() => beginFork({ ...task, forkOf })).toThrow(
      expect.objectContaining({ code: "transcript_unusable", message: expect.stringContaining(forkOf.path) as string }),
    );
  }
  expect(existsSync(task.transcriptPath)).toBe(false);
});

function sourceOf(messages: StoredMessage[]) {
  const folder = tempFolder();
  const source = join(folder, "source.jsonl");
  let parent: string | null = null;
  let lines = headerLine("above", "/above");
  for (const message of messages) {
    const { id, line } = messageLine(message, parent);
    parent = id;
    lines += line;
  }
  writeFileSync(source, lines);
  const task = { transcriptPath: join(folder, "main", "child.jsonl"), sessionId: "child", workspaceDir: "/child" };
  return { source, task };
}

function user(text: string): StoredMessage {
  return { role: "user", content: [{ type: "text", text }], timestamp: 1 };
}

function assistant(text: string, more: unknown[] = []): StoredMessage {
  return { role: "assistant", content: [{ type: "text", text }, ...more], timestamp: 2 };
}

function parse(line: string): { id: string; parentId: string | null } {
  return JSON.parse(line) as { id: string; parentId: string | null };
}
