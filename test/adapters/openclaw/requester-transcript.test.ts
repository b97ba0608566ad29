import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";

import { searchFile, servedTranscripts } from "../../../src/adapters/openclaw/requester-transcript.ts";

const dir = mkdtempSync(join(tmpdir(), "requester-transcript-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const BLOCK = 256 * 1024;

describe("the search for keys in a transcript", () => {
  it("finds those that an answer follows, wherever a block ends, and no others", async () => {
    const file = join(dir, "transcript.jsonl");
    const filling = fc.oneof(fc.integer({ min: BLOCK - 200, max: BLOCK + 10 }), fc.nat(300), fc.nat(2 * BLOCK));
    const message = fc.record({ role: fc.constantFrom("told", "user", "answer", "error", "silence"), filling });
    await fc.assert(
      fc.asyncProperty(fc.array(message, { maxLength: 8 }), fc.boolean(), async (messages, ended) => {
        const keys: string[] = [];
        const lines = messages.map(({ role, filling: size }, n) => {
          if (role === "told") keys.push(`subagent:key-${n}-0123456789abcdef`);
          const text = role === "told" ? `${"x".repeat(size)}key: ${keys.at(-1)}` : "x".repeat(size + 1);
          if (role === "answer") return line("assistant", [{ type: "text", text }]);
          if (role === "error") return line("assistant", [], { stopReason: "error", errorMessage: text });
          return role === "silence" ? line("assistant", []) : line("user", text);
        });
        writeFileSync(file, ended ? lines.join("") : lines.join("").trimEnd());
        const expected = keys.flatMap((key): [string, string][] => {
          const after = messages.slice(lines.findIndex((each) => each.includes(key)) + 1).map(({ role }) => role);
          if (after.includes("answer")) return [[key, "answered"]];
          return after.includes("error") ? [[key, "failed"]] : [];
        });
        expect(await searchFile(file, [...keys, "subagent:nowhere"])).toEqual(new Map(expected));
      }),
      { numRuns: 80 },
    );
  });

  it("takes a message for none that a text only quotes", async () => {
    const file = join(dir, "quoting.jsonl");
    const told = line("user", "key: subagent:one") + line("toolResult", '{"role":"assistant"}');
    writeFileSync(file, told);
    expect(await searchFile(file, ["subagent:one"])).toEqual(new Map());
    writeFileSync(file, told + line("assistant", "NO_REPLY"));
    expect(await searchFile(file, ["subagent:one"])).toEqual(ANSWERED);
  });

  it("takes a tool call, and the beginning of an answer that was cut short, for an answer", async () => {
    const file = join(dir, "answers.jsonl");
    const told = line("user", "key: subagent:one");
    writeFileSync(file, told + line("assistant", [{ type: "toolCall", id: "1", name: "read", arguments: {} }]));
    expect(await searchFile(file, ["subagent:one"])).toEqual(ANSWERED);
    const cutShort = { stopReason: "aborted", errorMessage: "Request was aborted." };
    writeFileSync(file, told + line("assistant", [{ type: "text", text: "Well" }], cutShort));
    expect(await searchFile(file, ["subagent:one"])).toEqual(ANSWERED);
    writeFileSync(file, told + line("assistant", [{ type: "text", text: "" }], cutShort));
    expect(await searchFile(file, ["subagent:one"])).toEqual(new Map());
  });

  it("takes no line for an answer that is only half written", async () => {
    const file = join(dir, "half.jsonl");
    writeFileSync(file, line("user", "key: subagent:one") + line("assistant", "Heard.").slice(0, -10));
    expect(await searchFile(file, ["subagent:one"])).toEqual(new Map());
  });

  it("finds nothing in a file that isn't there", async () => {
    expect(await searchFile(join(dir, "none.jsonl"), ["subagent:any"])).toEqual(new Map());
  });
});

describe("the search among messages that the host serves", () => {
  it("asks for a turn's, and for more of them only when they don't tell of all keys", async () => {
    const old = told("subagent:old");
    const messages = [old, answer, ...Array.from({ length: 40 }, () => answer), told("subagent:one"), answer];
    const { search, asked } = served(messages);
    expect(await search("agent:main:main", ["subagent:one"])).toEqual(ANSWERED);
    expect(asked).toEqual([20]);
    const both = await search("agent:main:main", ["subagent:one", "subagent:old"]);
    expect(both).toEqual(new Map([...ANSWERED, ["subagent:old", "answered"]]));
    expect(asked).toEqual([20, 20, 200]);
  });

  it("doesn't look further for an answer that isn't there yet", async () => {
    const { search, asked } = served([answer, told("subagent:one")]);
    expect(await search("agent:main:main", ["subagent:one"])).toEqual(new Map());
    expect(asked).toEqual([20]);
  });
});

const answer = { role: "assistant", content: [{ type: "text", text: "Noted." }] };

function told(key: string) {
  return { role: "user", content: `key: ${key}` };
}

function served(messages: unknown[]) {
  const asked: number[] = [];
  const getSessionMessages = ({ limit = Infinity }: { limit?: number }): Promise<{ messages: unknown[] }> => {
    asked.push(limit);
    return Promise.resolve({ messages: messages.slice(-limit) });
  };
  return { search: servedTranscripts({ subagent: { getSessionMessages } }), asked };
}

function line(role: string, content: unknown, more: object = {}): string {
  return `${JSON.stringify({ type: "message", message: { role, content, ...more } })}\n`;
}

const ANSWERED = new Map([["subagent:one", "answered"]]);
