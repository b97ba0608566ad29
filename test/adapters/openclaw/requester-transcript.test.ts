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
  it("finds those that stand there, wherever a block ends, and no others", async () => {
    const file = join(dir, "transcript.jsonl");
    const place = fc.oneof(
      fc.integer({ min: BLOCK - 60, max: BLOCK + 10 }),
      fc.integer({ min: 2 * BLOCK - 60, max: 2 * BLOCK + 10 }),
      fc.nat(2 * BLOCK),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(place, { maxLength: 3 }), async (places) => {
        const keys = places.map((_, n) => `subagent:key-${n}-0123456789abcdef`);
        const text = Buffer.alloc(2 * BLOCK + 200, 120);
        const sorted = [...places].sort((a, b) => a - b).map((at, n) => at + n * 50);
        sorted.forEach((at, n) => text.write(keys[n]!, Math.min(at, text.length - 50)));
        const there = keys.filter((key) => text.includes(key));
        writeFileSync(file, text);
        const found = await searchFile(file, [...keys, "subagent:nowhere"]);
        expect(found.toSorted()).toEqual(there.toSorted());
      }),
      { numRuns: 60 },
    );
  });

  it("finds nothing in a file that isn't there", async () => {
    expect(await searchFile(join(dir, "none.jsonl"), ["subagent:any"])).toEqual([]);
  });
});
