import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { headerLine, messageLine, messagesFromEnd, parseTranscript } from "../../src/sessions/transcript-format.ts";
import type { StoredMessage } from "../../src/sessions/transcript-format.ts";

const message: fc.Arbitrary<StoredMessage> = fc.record({
  role: fc.constantFrom("user", "assistant", "toolResult"),
  timestamp: fc.nat(),
  content: fc.oneof(fc.string({ unit: "grapheme" }), fc.constantFrom("\n", "\r\n", "\u2028", '{"type":"message"}\n')),
});
/** Lines of a transcript that hold no message. */
const other = fc.oneof(
  fc.constantFrom("\n", "  \n", "null\n", "[]\n", "7\n", '"text"\n', "{}\n", '{"type":"message"}\n'),
  fc.constantFrom('{"type":"message","message":null}\n', '{"type":"message","message":{"role":"system"}}\n'),
  fc.constantFrom('{"type":"note","message":{"role":"user"}}\n', headerLine("again", "/w")),
);

describe("the lines of a transcript", () => {
  test("begin with who and where, in pi's format 3", () => {
    const before = Date.now();
    const { timestamp, ...header } = JSON.parse(headerLine("id-1", "/w\n")) as { timestamp: string };
    expect(header).toEqual({ type: "session", version: 3, id: "id-1", cwd: "/w\n" });
    expect(Date.parse(timestamp)).toBeGreaterThanOrEqual(before);
    expect(headerLine("id-1", "/w\n").split("\n")).toHaveLength(2);
  });

  test("are one for each message, with an id of its own and its parent's, at the message's own time", () => {
    const { id, line } = messageLine({ role: "user", timestamp: 1_000, content: "a\nb" }, "0123abcd");
    expect(id).toMatch(/^[0-9a-f]{8}$/);
    expect(line.indexOf("\n")).toBe(line.length - 1);
    expect(JSON.parse(line)).toEqual({
      type: "message",
      id,
      parentId: "0123abcd",
      timestamp: "1970-01-01T00:00:01.000Z",
      message: { role: "user", timestamp: 1_000, content: "a\nb" },
    });
    expect(messageLine({ role: "user", timestamp: 1 }, null).line).toContain('"parentId":null');
  });

  test("give back every message as it was written, from either end, whatever stands between them", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(message, other)), (all) => {
        let lastId: string | null = null;
        const text = all.map(([one, between]) => {
          const { id, line } = messageLine(one, lastId);
          lastId = id;
          return `${line}${between}`;
        });
        const messages = all.map(([one]) => one);
        const whole = [headerLine("id", "/w"), ...text].join("");
        // Who goes on from a file has written every line of it.
        if (!whole.includes("\nnull\n")) {
          expect(parseTranscript(whole)).toEqual({ messages, lastId, torn: false });
        }
        expect([...messagesFromEnd(whole)]).toEqual(messages.toReversed());
      }),
    );
  });

  test("are read from the end whatever they are, though some hold nothing at all", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom("\n", "{", "}", '"', "a", " ") }), message, (noise, one) => {
        const { line } = messageLine(one, null);
        expect([...messagesFromEnd(`${noise}\n${line}`)]).toEqual([one]);
        expect([...messagesFromEnd(`${line}${noise}`)]).toEqual([one]);
        expect([...messagesFromEnd(line.trimEnd())]).toEqual([one]);
      }),
    );
  });
});

describe("a transcript that is gone on from", () => {
  const [first, second] = [messageLine(said("one"), null), messageLine(said("two"), "11111111")];

  test("has nothing in it when it is empty", () => {
    expect(parseTranscript("")).toEqual({ messages: [], lastId: null, torn: false });
    expect(parseTranscript("\n \n")).toEqual({ messages: [], lastId: null, torn: false });
    expect(parseTranscript(headerLine("0123abcd", "/w"))).toEqual({ messages: [], lastId: null, torn: false });
  });

  test("hangs the next entry from the last one, of whatever kind that is", () => {
    const note = '{"type":"note","id":"22222222"}\n';
    expect(parseTranscript(`${first.line}${note}`)).toEqual({
      messages: [said("one")],
      lastId: "22222222",
      torn: false,
    });
    expect(parseTranscript(`${first.line}{"type":"note","id":7}\n`).lastId).toBe(first.id);
  });

  test("leaves a last line out that was cut off, and says so; a message after it is none", () => {
    const torn = `${first.line}${second.line.slice(0, -10)}`;
    expect(parseTranscript(torn)).toEqual({ messages: [said("one")], lastId: first.id, torn: true });
    expect(() => parseTranscript(`${torn}\n${second.line}`)).toThrow(SyntaxError);
  });
});

function said(content: string): StoredMessage {
  return { role: "user", timestamp: 1, content };
}
