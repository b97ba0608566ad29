import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";

import { searchFile } from "../../../src/adapters/openclaw/requester-transcript.ts";

const dir = mkdtempSync(join(tmpdir(), "requester-transcript-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const BLOCK = 256 * 1024;

describe("the search for keys in a transcript", () => {
  it("finds those that an answer follows, wherever a block ends, and no others", async () => {
    const file = join(dir, "transcript.jsonl");
    const place = fc.oneof(
      fc.integer({ min: BLOCK - 60, max: BLOCK + 10 }),
      fc.integer({ min: 2 * BLOCK - 60, max: 2 * BLOCK + 10 }),
      fc.nat(2 * BLOCK),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(place, { maxLength: 3 }), place, async (places, answered) => {
        const keys = places.map((_, n) => `subagent:key-${n}-0123456789abcdef`);
        const text = Buffer.alloc(2 * BLOCK + 300, 120);
        const at = [...places].sort((a, b) => a - b).map((each, n) => each + n * 50);
        at.forEach((each, n) => text.write(keys[n]!, each));
        text.write('"role":"assistant"', answered);
        const answerAt = text.lastIndexOf('"role":"assistant"');
        const there = keys.filter((key) => text.includes(key) && text.indexOf(key) < answerAt);
        writeFileSync(file, text);
        expect(await searchFile(file, [...keys, "subagent:nowhere"])).toEqual(there);
      }),
      { numRuns: 80 },
    );
  });

  it("takes a message for none that a text only quotes", async () => {
    const file = join(dir, "quoting.jsonl");
    const line = (role: string, text: string) =>
      `${JSON.stringify({ type: "message", message: { role, content: text } })}\n`;
    const told = line("user", "key: subagent:one") + line("toolResult", '{"role":"assistant"}');
    writeFileSync(file, told);
    expect(await searchFile(file, ["subagent:one"])).toEqual([]);
    writeFileSync(file, told + line("assistant", "NO_REPLY"));
    expect(await searchFile(file, ["subagent:one"])).toEqual(["subagent:one"]);
  });

  it("finds nothing in a file that isn't there", async () => {
    expect(await searchFile(join(dir, "none.jsonl"), ["subagent:any"])).toEqual([]);
  });
});
