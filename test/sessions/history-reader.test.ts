import { once } from "node:events";
import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Worker } from "node:worker_threads";
import { afterEach, describe, expect, test, vi } from "vitest";

import { HistoryReader } from "../../src/sessions/history-reader.ts";
import type { HistoryWindow } from "../../src/sessions/history-view.ts";
import { resourcesInUse } from "../helpers/leak-guard.ts";
import { closeAfterTest, tempFolder } from "../helpers/runtime-fixture.ts";

const WINDOW: HistoryWindow = { limit: 100, offset: 0, includeTools: false, maxBytes: 81_920, secrets: [] };

afterEach(() => void vi.useRealTimers());

describe("the reader of transcripts", () => {
  test("answers each question with its own file, through its own window, in whatever order they are done", async () => {
    const reader = open();
    const files = Array.from({ length: 10 }, (_, n) =>
      transcript(`t${n}`, ...Array.from({ length: n + 1 }, (_one, m) => `${n}.${m}`)),
    );
    const views = await Promise.all(files.map((file, n) => reader.read(file, { ...WINDOW, limit: 1 + (n % 3) })));
    for (const [n, view] of views.entries()) {
      const all = Array.from({ length: n + 1 }, (_, m) => `${n}.${m}`);
      expect(textsOf(view)).toEqual(all.slice(-(1 + (n % 3))));
    }
  });

  test("hides the secrets it is told of", async () => {
    const reader = open();
    const file = transcript("secret", "the key is my-own-key-12345");
    const view = await reader.read(file, { ...WINDOW, secrets: ["my-own-key-12345"] });
    expect(textsOf(view)).toEqual(["the key is ***"]);
    expect(view.contentRedacted).toBe(true);
  });

  test("finds no messages where no transcript is yet, not even a folder", async () => {
    const reader = open();
    const missing = join(tempFolder(), "none", "a.jsonl");
    expect(await reader.read(missing, WINDOW)).toMatchObject({ messages: [], truncated: false, bytes: 2 });
  });

  test("reads a transcript that was put away, the newest when it was so more than once, and prefers one that is there", async () => {
    const reader = open();
    const file = transcript("a", "first");
    renameSync(file, `${file}.deleted.2026-01-01T00-00-00.000Z`);
    transcript("b", "another session's");
    expect(textsOf(await reader.read(file, WINDOW))).toEqual(["first"]);
    transcript("a", "second");
    renameSync(file, `${file}.deleted.2026-01-02T00-00-00.000Z`);
    expect(textsOf(await reader.read(file, WINDOW))).toEqual(["second"]);
    transcript("a", "anew");
    expect(textsOf(await reader.read(file, WINDOW))).toEqual(["anew"]);
  });

  test("says which file can't be read and why, and goes on with others", async () => {
    const reader = open();
    const folder = join(tempFolder(), "folder.jsonl");
    mkdirSync(folder);
    const [bad, good] = await Promise.allSettled([
      reader.read(folder, WINDOW),
      reader.read(transcript("a", "one"), WINDOW),
    ]);
    expect(bad).toMatchObject({
      status: "rejected",
      reason: { code: "transcript_unusable", message: stringContaining(`The transcript ${folder} can't be read: `) },
    });
    expect(good).toMatchObject({ status: "fulfilled" });
  });

  test("that is closed fails what it was reading by name, can be closed again, and reads anew when it is asked to", async () => {
    const reader = open();
    const files = ["a", "b"].map((name) => transcript(name, name));
    const asked = files.map((file) => reader.read(file, WINDOW));
    const settled = Promise.allSettled(asked);
    await Promise.all([reader.close(), reader.close()]);
    for (const [n, one] of (await settled).entries()) {
      const message = `The transcript ${files[n]} can't be read: its thread ended.`;
      expect(one).toMatchObject({ status: "rejected", reason: { code: "transcript_unusable", message } });
    }
    expect(textsOf(await reader.read(files[0]!, WINDOW))).toEqual(["a"]);
  });

  test("that is closed has no time left to wait for", async () => {
    const reader = open();
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    await reader.read(transcript("a", "one"), WINDOW);
    expect(vi.getTimerCount()).toBe(1);
    await reader.close();
    expect(vi.getTimerCount()).toBe(0);
  });

  test("that is closed and asked again at once answers the new question all the same", async () => {
    const reader = open();
    const file = transcript("a", "one");
    await reader.read(file, WINDOW);
    const closing = reader.close();
    const view = reader.read(file, WINDOW);
    await closing;
    expect(textsOf(await view)).toEqual(["one"]);
  });

  test("has one thread for as long as it is asked, and none a while after the last question", async () => {
    const threads = () => resourcesInUse().get("Thread") ?? 0;
    const before = threads();
    const reader = open(30);
    const file = transcript("a", "one");
    await Promise.all(Array.from({ length: 5 }, () => reader.read(file, WINDOW)));
    expect(threads()).toBe(before + 1);
    await expect.poll(threads, { interval: 5 }).toBe(before);
    expect(textsOf(await reader.read(file, WINDOW))).toEqual(["one"]);
    expect(threads()).toBe(before + 1);
    // A question takes the thread back from an end that was near.
    for (let n = 0; n < 5; n++) {
      await new Promise((resolve) => setTimeout(resolve, 10));
      expect(textsOf(await reader.read(file, WINDOW))).toEqual(["one"]);
    }
  });

  test("ends its thread a while after a question that came alone, too", async () => {
    const threads = () => resourcesInUse().get("Thread") ?? 0;
    const before = threads();
    const reader = open(30);
    await reader.read(transcript("a", "one"), WINDOW);
    expect(threads()).toBe(before + 1);
    await expect.poll(threads, { interval: 5 }).toBe(before);
  });

  test("doesn't count a question that takes longer than the others as none", async () => {
    const reader = open(0);
    const long = transcript("long", ...Array.from({ length: 100 }, () => "x".repeat(200_000)), "last");
    const [short, last] = await Promise.all(
      [transcript("short", "one"), long].map((file) => reader.read(file, WINDOW)),
    );
    expect(textsOf(short!)).toEqual(["one"]);
    expect(textsOf(last!).at(-1)).toBe("last");
  });

  test("keeps the process for an answer that is on its way, and for nothing else", async () => {
    const ports = () => resourcesInUse().get("MessagePort") ?? 0;
    const reader = open();
    const before = ports();
    const asked = reader.read(transcript("a", "one"), WINDOW);
    expect(ports()).toBe(before + 1);
    await asked;
    expect(ports()).toBe(before);
    const again = reader.read(transcript("a", "one"), WINDOW);
    expect(ports()).toBe(before + 1);
    await again;
  });

  test.each<[how: string, end: (thread: Worker) => unknown, why: string]>([
    ["is ended by somebody else", (thread) => thread.terminate(), "its thread ended"],
    ["breaks", (thread) => thread.postMessage(null), "Cannot destructure"],
  ])("whose thread %s fails what it was reading, and reads on in a new one", async (_how, end, why) => {
    const started = once(process, "worker") as Promise<Worker[]>;
    const threads = () => resourcesInUse().get("Thread") ?? 0;
    const before = threads();
    const reader = open(30);
    const file = transcript("a", "one");
    await reader.read(file, WINDOW);
    const [thread] = await started;
    end(thread!);
    const lost = await Promise.allSettled([reader.read(file, WINDOW), reader.read(file, WINDOW)]);
    const message = stringContaining(`The transcript ${file} can't be read: ${why}`);
    for (const one of lost)
      expect(one).toMatchObject({ status: "rejected", reason: { code: "transcript_unusable", message } });
    expect(textsOf(await reader.read(file, WINDOW))).toEqual(["one"]);
    await expect.poll(threads, { interval: 5 }).toBe(before);
  });

  test("keeps its thread for half a minute when nothing else is said", async () => {
    const threads = () => resourcesInUse().get("Thread") ?? 0;
    const before = threads();
    const reader = open();
    await reader.read(transcript("a", "one"), WINDOW);
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(threads()).toBe(before + 1);
    await reader.close();
    expect(threads()).toBe(before);
  });
});

let folder: string;

/** Closed after the test, as its folder goes. */
function open(idleMs?: number): HistoryReader {
  folder = tempFolder();
  const reader = idleMs === undefined ? new HistoryReader() : new HistoryReader(idleMs);
  closeAfterTest(() => reader.close());
  return reader;
}

/** A transcript in the folder of the reader opened last, made anew. */
function transcript(name: string, ...texts: string[]): string {
  const file = join(folder, `${name}.jsonl`);
  const lines = texts.map((content) => ({ type: "message", message: { role: "user", content, timestamp: 1 } }));
  writeFileSync(file, [{ type: "session", id: "id" }, ...lines].map((line) => `${JSON.stringify(line)}\n`).join(""));
  return file;
}

function stringContaining(part: string): string {
  return expect.stringContaining(part) as string;
}

function textsOf({ messages }: { messages: { content: { type: string; text?: string }[] }[] }): (string | undefined)[] {
  return messages.map((message) => message.content[0]!.text);
}
