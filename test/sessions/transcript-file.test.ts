import { mkdirSync, readdirSync, readlinkSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";

import { readTranscript } from "../../src/sessions/transcript-file.ts";
import { tempFolder } from "../helpers/runtime-fixture.ts";

describe("a transcript's text", () => {
  test("is all of a file that isn't too long, and the end of one that is", () => {
    const path = write("a.jsonl", "0123456789é");
    expect(readTranscript(path)).toBe("0123456789é");
    expect(readTranscript(path, 12)).toBe("0123456789é");
    expect(readTranscript(path, 11)).toBe("123456789é");
    expect(readTranscript(path, 2)).toBe("é");
    expect(readTranscript(write("empty.jsonl", ""))).toBe("");
  });

  test("is whole though it takes many reads to come by", () => {
    const text = "0123456789".repeat(700_000);
    const path = write("a.jsonl", text);
    expect(readTranscript(path) === text).toBe(true);
    expect(readTranscript(path, 4_000_003) === text.slice(-4_000_003)).toBe(true);
  });

  test("is of the newest file that was put away when there is none, and of no other session's", () => {
    const path = write("a.jsonl", "gone");
    const folder = dirname(path);
    for (const [name, text] of [
      ["a.jsonl.deleted.2026-01-02", "second"],
      ["a.jsonl.deleted.2026-01-03", "third"],
      ["a.jsonl.deleted.2026-01-01", "first"],
      ["b.jsonl.deleted.2026-01-09", "another's"],
      ["a.jsonl.lock", "no transcript"],
      ["z-a.jsonl.deleted.2026-01-09", "another's too"],
    ] as const) {
      writeFileSync(join(folder, name), text);
    }
    expect(readTranscript(path)).toBe("gone");
    renameSync(path, join(folder, "moved"));
    expect(readTranscript(path)).toBe("third");
    expect(readTranscript(path, 2)).toBe("rd");
  });

  test("is empty where none ever was, and where its folder isn't there", () => {
    expect(readTranscript(join(tempFolder(), "a.jsonl"))).toBe("");
    expect(readTranscript(join(tempFolder(), "none", "a.jsonl"))).toBe("");
  });

  test("that is there and can't be read is an error, also when one was put away under its name", () => {
    const path = join(tempFolder(), "a.jsonl");
    mkdirSync(path);
    writeFileSync(`${path}.deleted.2026-01-01`, "not this one");
    expect(() => readTranscript(path)).toThrow(/EISDIR|EPERM|EACCES/);
  });

  test.runIf(process.platform === "linux")("leaves no file open, read or not", () => {
    const path = write("a.jsonl", "text");
    const folder = join(tempFolder(), "b.jsonl");
    mkdirSync(folder);
    readTranscript(path);
    expect(() => readTranscript(folder)).toThrow("EISDIR");
    expect(filesOpen()).not.toEqual(expect.arrayContaining([path]));
    expect(filesOpen()).not.toEqual(expect.arrayContaining([folder]));
  });
});

function write(name: string, text: string): string {
  const path = join(tempFolder(), name);
  writeFileSync(path, text);
  return path;
}

function filesOpen(): string[] {
  return readdirSync("/proc/self/fd").flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/self/fd/${fd}`)];
    } catch {
      // The folder that is being listed had one of its own.
      return [];
    }
  });
}
