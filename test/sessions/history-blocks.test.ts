import { describe, expect, test } from "vitest";

import { viewHistory, type HistoryWindow } from "../../src/sessions/history-view.ts";
import { messageLine, type StoredMessage } from "../../src/sessions/transcript-format.ts";

const WINDOW: HistoryWindow = { limit: 100, offset: 0, includeTools: false, maxBytes: 81_920, secrets: [] };

describe("a message as a model is shown it", () => {
  test("has its texts and a word for each image, and nothing of what was thought", () => {
    const content = [
      { type: "thinking", thinking: "hm" },
      { type: "text", text: "see" },
      { type: "image", data: "AAAA", mimeType: "image/png" },
      { type: "other", text: "no" },
      null,
      "loose",
    ];
    expect(only({ content })).toEqual([
      { type: "text", text: "see" },
      { type: "image", omitted: true },
    ]);
  });

  test("is there for an image alone, and isn't for thoughts, calls or nothing alone", () => {
    expect(only({ content: [{ type: "image" }] })).toEqual([{ type: "image", omitted: true }]);
    for (const content of [
      [],
      [{ type: "thinking" }],
      [{ type: "toolCall", name: "read" }],
      undefined,
      7,
      { text: "x" },
    ])
      expect(view([said({ content })]).messages).toEqual([]);
    expect(only({ content: [{ type: "text" }] })).toEqual([{ type: "text", text: "" }]);
  });

  test("has its calls where tools are wanted, whatever of a call is missing or strange", () => {
    const call = (more: object) => only({ content: [{ type: "toolCall", ...more }] }, { includeTools: true });
    expect(call({})).toEqual([{ type: "toolCall", id: "", name: "", arguments: "{}" }]);
    expect(call({ id: 7, name: ["x"], arguments: null })).toEqual([
      { type: "toolCall", id: "", name: "", arguments: "{}" },
    ]);
    expect(call({ id: "c", name: "n", arguments: [1, "two"] })).toEqual([
      { type: "toolCall", id: "c", name: "n", arguments: '[1,"two"]' },
    ]);
    expect(call({ id: "i".repeat(201), name: `${"n".repeat(199)}😀` })).toEqual([
      { type: "toolCall", id: "i".repeat(200), name: "n".repeat(199), arguments: "{}" },
    ]);
  });

  test("has a tool's result only where tools are wanted, with the names that belong to it", () => {
    const result = said({
      role: "toolResult",
      content: "out",
      toolName: "t".repeat(201),
      toolCallId: "c".repeat(201),
      isError: true,
    });
    expect(view([result]).messages).toEqual([]);
    expect(view([result], { includeTools: true }).messages).toEqual([
      {
        role: "toolResult",
        content: [{ type: "text", text: "out" }],
        timestamp: 1,
        toolName: "t".repeat(200),
        toolCallId: "c".repeat(200),
        isError: true,
      },
    ]);
    expect(view([said({ role: "toolResult", content: [] })], { includeTools: true }).messages).toHaveLength(1);
  });

  test("has nothing under a name whose value is of another kind", () => {
    const strange = said({ content: "x", toolName: 7, toolCallId: {}, isError: "no" });
    expect(view([strange]).messages).toEqual([{ role: "user", content: [{ type: "text", text: "x" }], timestamp: 1 }]);
    const line = '{"type":"message","message":{"role":"user","content":"x","timestamp":"now"}}';
    expect(viewHistory(line, WINDOW).messages).toEqual([{ role: "user", content: [{ type: "text", text: "x" }] }]);
  });
});

describe("a call's arguments", () => {
  test.each([
    ["a secret among them", { key: "my-own-key-12345" }, '{"key":"***"}', true],
    ["none", { key: "shown" }, '{"key":"shown"}', false],
  ])("that have %s are shown so, and it is said whether anything was taken out", (_what, given, shown, redacted) => {
    const call = said({ content: [{ type: "toolCall", id: "c", name: "n", arguments: given }] });
    expect(view([call], { includeTools: true, secrets: ["my-own-key-12345"] })).toMatchObject({
      messages: [{ content: [{ arguments: shown }] }],
      contentRedacted: redacted,
    });
  });
});

describe("what is cut", () => {
  test("is a text's end, by so much that it fits with what is said of it", () => {
    const [block] = only({ content: "a".repeat(5_000) });
    expect(block).toEqual({ type: "text", text: `${"a".repeat(3_960)}\n…(1040 characters more)` });
    const [whole] = only({ content: "a".repeat(4_000) });
    expect(whole).toEqual({ type: "text", text: "a".repeat(4_000) });
    const args = { content: [{ type: "toolCall", arguments: { x: "a".repeat(4_000) } }] };
    const [call] = only(args, { includeTools: true }) as { arguments: string }[];
    expect(call!.arguments).toMatch(/^\{"x":"a+\n…\(\d+ characters more\)$/);
    expect(view([said(args)], { includeTools: true })).toMatchObject({ truncated: true, contentTruncated: true });
  });

  test("is said of what is shown alone: a cut or a secret in a message that wasn't shown is none", () => {
    const secret = { content: `my-own-key-12345 ${"a".repeat(5_000)}` };
    const shown = view([said(secret), said({ content: "short" })], { maxBytes: 1_024, secrets: ["my-own-key-12345"] });
    expect(shown).toMatchObject({
      messages: [{ content: [{ text: "short" }] }],
      truncated: true,
      droppedMessages: true,
      contentTruncated: false,
      contentRedacted: false,
      nextOffset: 1,
    });
    expect(view([said(secret)], { secrets: ["my-own-key-12345"] })).toMatchObject({
      contentTruncated: true,
      contentRedacted: true,
    });
  });

  test("is a message too large to be shown at all, of which its size is told and its time kept", () => {
    const huge = said({
      role: "assistant",
      content: Array.from({ length: 3 }, () => ({ type: "text", text: "b".repeat(900) })),
    });
    const { messages, bytes, ...rest } = view([said({ content: "before" }), huge], { maxBytes: 1_024, limit: 1 });
    const size = Buffer.byteLength(JSON.stringify({ role: "assistant", content: huge["content"], timestamp: 1 }));
    const text = `(left out: this message alone takes ${size} bytes)`;
    expect(messages).toEqual([{ role: "assistant", content: [{ type: "text", text }], timestamp: 1 }]);
    expect(bytes).toBe(Buffer.byteLength(JSON.stringify(messages)));
    expect(rest).toEqual({
      truncated: true,
      droppedMessages: false,
      contentTruncated: true,
      contentRedacted: false,
      nextOffset: 1,
    });
    const line = '{"type":"message","message":{"role":"user","content":"' + "c".repeat(2_000) + '"}}';
    expect(viewHistory(line, { ...WINDOW, maxBytes: 1_024 }).messages[0]).not.toHaveProperty("timestamp");
  });
});

describe("a page", () => {
  test("counts only messages that are shown, in its limit and in what it passes over", () => {
    const talk = [
      said({ content: "1" }),
      said({ role: "assistant", content: [{ type: "thinking" }] }),
      said({ role: "toolResult", content: "hidden" }),
      said({ content: "2" }),
      said({ role: "assistant", content: [] }),
      said({ content: "3" }),
    ];
    const texts = (window: Partial<HistoryWindow>) =>
      view(talk, window).messages.map((message) => (message.content[0] as { text: string }).text);
    expect(texts({ limit: 2 })).toEqual(["2", "3"]);
    expect(texts({ limit: 1, offset: 1 })).toEqual(["2"]);
    expect(texts({ offset: 2 })).toEqual(["1"]);
    expect(texts({ offset: 3 })).toEqual([]);
    expect(view(talk, { limit: 2 }).nextOffset).toBe(2);
    expect(view(talk, { limit: 1, offset: 1 }).nextOffset).toBe(2);
  });

  test("is the last one when nothing older is left, though its limit is just reached", () => {
    const talk = ["1", "2", "3"].map((content) => said({ content }));
    expect(view(talk, { limit: 3 })).not.toHaveProperty("nextOffset");
    expect(view(talk, { limit: 2 })).toMatchObject({ nextOffset: 2, truncated: false, droppedMessages: false });
    expect(view(talk, { limit: 2, offset: 1 })).not.toHaveProperty("nextOffset");
  });
});

/** The blocks of a message that is shown alone. */
function only(message: object, window: Partial<HistoryWindow> = {}) {
  const { messages } = view([said(message)], window);
  expect(messages).toHaveLength(1);
  return messages[0]!.content;
}

function view(talk: StoredMessage[], window: Partial<HistoryWindow> = {}) {
  return viewHistory(talk.map((message) => messageLine(message, null).line).join(""), { ...WINDOW, ...window });
}

function said(message: object): StoredMessage {
  return { role: "user", timestamp: 1, ...message };
}
