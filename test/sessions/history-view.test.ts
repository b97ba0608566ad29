import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { viewHistory, type HistoryWindow } from "../../src/sessions/history-view.ts";
import { headerLine, messageLine, type StoredMessage } from "../../src/sessions/transcript-format.ts";

const WINDOW: HistoryWindow = { limit: 100, offset: 0, includeTools: false, maxBytes: 81_920, secrets: [] };

describe("a transcript as a model is shown it", () => {
  it("has the newest messages, oldest first, without tools and thinking", () => {
    const { messages, ...rest } = view(TALK);
    expect(messages).toEqual([
      { role: "user", content: [{ type: "text", text: "look" }], timestamp: 1 },
      { role: "assistant", content: [{ type: "text", text: "I look" }], timestamp: 2 },
      { role: "assistant", content: [{ type: "text", text: "seen" }], timestamp: 4 },
    ]);
    expect(rest).toEqual({
      truncated: false,
      droppedMessages: false,
      contentTruncated: false,
      contentRedacted: false,
      bytes: Buffer.byteLength(JSON.stringify(messages)),
    });
  });

  it("has tool calls and their results when they are wanted", () => {
    const { messages } = view(TALK, { includeTools: true });
    expect(messages[1]!.content[1]).toEqual({ type: "toolCall", id: "c1", name: "read", arguments: '{"path":"a"}' });
    expect(messages[2]).toMatchObject({ role: "toolResult", toolName: "read", toolCallId: "c1", isError: false });
  });

  it("is read page by page from the newest, every message once", () => {
    const talk = Array.from({ length: 25 }, (_, index) => said("user", `message ${index}`));
    const pages: string[] = [];
    for (let offset: number | undefined = 0; offset !== undefined;) {
      const page = view(talk, { limit: 10, offset });
      pages.unshift(...page.messages.map((message) => text(message.content[0]!)));
      expect(page.droppedMessages).toBe(false);
      offset = page.nextOffset;
    }
    expect(pages).toEqual(talk.map((_, index) => `message ${index}`));
  });

  it("has no keys in it, also where a cut would halve one", () => {
    const key = "sk-abcdefghijklmnopqrstuvwxyz";
    const { messages, contentRedacted } = view(
      [
        said("user", `${"x ".repeat(1_970)}${key} and more ${"y".repeat(500)}`),
        said("assistant", "my-own-key-12345 is it"),
        call("exec", { command: `curl -H "Authorization: Bearer ${key}"`, apiKey: "hidden-by-its-name" }),
      ],
      { includeTools: true, secrets: ["my-own-key-12345"] },
    );
    expect(contentRedacted).toBe(true);
    const shown = JSON.stringify(messages);
    for (const secret of ["sk-abc", "my-own-key", "hidden-by"]) expect(shown).not.toContain(secret);
    expect(view([said("user", "nothing secret")]).contentRedacted).toBe(false);
  });

  it("passes over what isn't a message of the format, torn lines included", () => {
    const lines = [
      headerLine("id", "/w"),
      line(said("user", "one")),
      "not json\n",
      '{"type":"compaction","summary":"…"}\n',
      "null\n",
      '{"type":"message","message":{"role":"user","content":"as a text"}}\n',
      line(said("assistant", "two")).slice(0, -20),
    ].join("");
    expect(viewHistory(lines, WINDOW).messages.map((message) => text(message.content[0]!))).toEqual([
      "one",
      "as a text",
    ]);
    expect(viewHistory("", WINDOW)).toMatchObject({ messages: [], truncated: false, bytes: 2 });
  });

  it("says what it left out: the rest of a text, older messages, a message larger than all it may show", () => {
    const long = view([said("user", "a".repeat(4_001))]);
    expect(text(long.messages[0]!.content[0]!)).toMatch(/^a+\n…\(\d+ characters more\)$/);
    expect(long).toMatchObject({ truncated: true, contentTruncated: true, droppedMessages: false });
    expect(view([said("user", "a".repeat(4_000))])).toMatchObject({ truncated: false });

    const many = view(Array.from({ length: 40 }, () => said("user", "b".repeat(4_000))));
    expect(many).toMatchObject({ truncated: true, droppedMessages: true, contentTruncated: false });
    expect(many.nextOffset).toBe(many.messages.length);
    expect(many.messages.length).toBeGreaterThan(15);

    const huge: StoredMessage = {
      ...said("user", ""),
      content: Array.from({ length: 30 }, () => block("c".repeat(4_000))),
    };
    const instead = view([said("user", "before"), huge, said("user", "after")], { limit: 1, offset: 1 });
    expect(text(instead.messages[0]!.content[0]!)).toMatch(/^\(left out: this message alone takes \d+ bytes\)$/);
    expect(instead).toMatchObject({ contentTruncated: true, nextOffset: 2 });
  });

  it("fills what it may show to the byte and no further", () => {
    const full = new Set<number>();
    for (let length = 450; length < 650; length++) {
      const talk = ["x".repeat(length), "é".repeat(100), '"'.repeat(50)].map((value) => said("user", value));
      const { bytes } = view(talk, { maxBytes: 1_024 });
      expect(bytes).toBeLessThanOrEqual(1_024);
      full.add(bytes);
    }
    expect(full).toContain(1_024);
  });

  it("never has more bytes than it may, nor a block longer than 4,000, nor half a character", () => {
    const piece = fc.oneof(fc.string({ unit: "binary" }), fc.constantFrom("😀", "é", "\n", '"', "한"));
    const texts = fc
      .tuple(piece, fc.nat(4_500))
      .map(([one, times]) => one.repeat(times).slice(0, 9_000).toWellFormed());
    const message = fc.oneof(
      texts.map((said_) => said("user", said_)),
      fc
        .array(texts, { maxLength: 3 })
        .map((all): StoredMessage => ({ ...said("assistant", ""), content: all.map(block) })),
      texts.map((value) => call("write", { path: "a", content: value })),
      texts.map((value) => ({ ...said("toolResult", value), toolName: "read", toolCallId: "c", isError: false })),
    );
    const window = fc.record({
      limit: fc.integer({ min: 1, max: 10 }),
      offset: fc.nat(4),
      includeTools: fc.boolean(),
      maxBytes: fc.integer({ min: 1_024, max: 81_920 }),
    });
    fc.assert(
      fc.property(fc.array(message, { maxLength: 8 }), window, (talk, options) => {
        const { messages, bytes, nextOffset } = view(talk, options);
        const json = JSON.stringify(messages);
        expect(Buffer.byteLength(json)).toBe(bytes);
        expect(bytes).toBeLessThanOrEqual(options.maxBytes);
        expect(json.isWellFormed()).toBe(true);
        // JSON writes half a character as an escape.
        expect(json).not.toMatch(/\\ud[89a-f]/i);
        for (const one of messages.flatMap((shown) => shown.content))
          expect(text(one).length).toBeLessThanOrEqual(4_000);
        expect(messages.length).toBeLessThanOrEqual(options.limit);
        if (nextOffset !== undefined) expect(nextOffset).toBe(options.offset + messages.length);
      }),
      { numRuns: 150 },
    );
  });
});

function view(talk: StoredMessage[], window: Partial<HistoryWindow> = {}) {
  return viewHistory([headerLine("id", "/w"), ...talk.map(line)].join(""), { ...WINDOW, ...window });
}

function line(message: StoredMessage): string {
  return messageLine(message, null).line;
}

function block(value: string) {
  return { type: "text", text: value };
}

function said(role: StoredMessage["role"], value: string, timestamp = 1): StoredMessage {
  return { role, content: [block(value)], timestamp };
}

function call(name: string, args: unknown): StoredMessage {
  return { role: "assistant", content: [{ type: "toolCall", id: "c1", name, arguments: args }], timestamp: 2 };
}

function text(of: { type: string; text?: string; arguments?: string }): string {
  return of.text ?? of.arguments ?? "";
}

const TALK: StoredMessage[] = [
  said("user", "look"),
  {
    role: "assistant",
    content: [
      { type: "thinking", thinking: "hm", thinkingSignature: "x" },
      block("I look"),
      { type: "toolCall", id: "c1", name: "read", arguments: { path: "a" } },
    ],
    timestamp: 2,
  },
  { ...said("toolResult", "contents", 3), toolName: "read", toolCallId: "c1", isError: false },
  said("assistant", "seen", 4),
];
