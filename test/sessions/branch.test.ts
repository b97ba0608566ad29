import fc from "fast-check";
import { expect, it } from "vitest";

import {
  branchOf,
  headerLine,
  messageLine,
  parseTranscript,
  type StoredMessage,
} from "../../src/sessions/transcript-format.ts";

it("a transcript that nobody branched is its messages, cut off anywhere", () => {
  const text = fc.array(fc.string({ unit: "binary", maxLength: 20 }), { maxLength: 8 }).map(linear);
  fc.assert(
    fc.property(text, fc.nat(), (whole, at) => {
      const cut = whole.slice(0, at % (whole.length + 1));
      expect(branchOf(cut)).toEqual(parseTranscript(cut).messages);
    }),
  );
});

it("what was said on another branch isn't in it, and entries of other kinds only hold it together", () => {
  const text = [
    headerLine("s", "/w"),
    entry("a", null, { message: said("one") }),
    entry("b", "a", { message: said("the wrong way") }),
    entry("c", "b", { message: said("further") }),
    entry("d", "a", { type: "branch_summary", summary: "It tried something." }),
    entry("e", "d", { type: "model_change", modelId: "x" }),
    entry("f", "e", { message: said("the right way") }),
  ].join("");
  expect(branchOf(text).map(textOf)).toEqual([
    "one",
    "[Summary of what was said before]\nIt tried something.",
    "the right way",
  ]);
});

it("of what was compacted it has the summary, then what was kept, then what came after", () => {
  const compacted = (firstKeptEntryId: string) =>
    [
      entry("a", null, { message: said("long ago") }),
      entry("b", "a", { message: said("kept") }),
      entry("c", "b", { type: "compaction", summary: "Much was said.", firstKeptEntryId }),
      entry("d", "c", { message: said("now") }),
    ].join("");
  const summary = "[Summary of what was said before]\nMuch was said.";
  expect(branchOf(compacted("a")).map(textOf)).toEqual([summary, "long ago", "kept", "now"]);
  expect(branchOf(compacted("b")).map(textOf)).toEqual([summary, "kept", "now"]);
  expect(branchOf(compacted("c")).map(textOf)).toEqual([summary, "now"]);
  expect(branchOf(compacted("nowhere")).map(textOf)).toEqual([summary, "now"]);
  expect(branchOf(compacted("d")).map(textOf)).toEqual([summary, "now"]);
});

it("a summary is a user's message of its own time, where that is known", () => {
  const summary = (more: object) =>
    branchOf(entry("a", null, { type: "branch_summary", summary: "It went so.", ...more }));
  const content = [{ type: "text", text: "[Summary of what was said before]\nIt went so." }];
  expect(summary({})).toEqual([{ role: "user", content, timestamp: Date.UTC(2026, 0, 1) }]);
  expect(summary({ timestamp: undefined })).toEqual([{ role: "user", content, timestamp: 0 }]);
  expect(summary({ timestamp: "some day" })).toEqual([{ role: "user", content, timestamp: 0 }]);
});

it("what has neither a message nor a summary in it says nothing", () => {
  const text = [
    headerLine("s", "/w"),
    entry("a", null, { message: said("one") }),
    entry("b", "a", { message: { role: "system", content: "no" } }),
    entry("c", "b", { message: null }),
    entry("d", "c", { type: "branch_summary", summary: 7 }),
    entry("e", "d", { type: "note", summary: "of another kind" }),
    entry("f", "e", { type: "compaction", firstKeptEntryId: "a" }),
    entry("g", "f", { message: said("two") }),
  ].join("");
  expect(branchOf(text).map(textOf)).toEqual(["one", "two"]);
  expect(branchOf(headerLine("s", "/w"))).toEqual([]);
});

it("lines between the entries that are none of them are passed over", () => {
  const [one, two] = [entry("a", null, { message: said("one") }), entry("b", "a", { message: said("two") })];
  const none = ["\n", " \t\n", "null\n", "[]\n", '{"type":"note"}\n', '{"type":"note","id":7}\n'];
  for (const between of none) expect(branchOf(`${one}${between}${two}${between}`).map(textOf)).toEqual(["one", "two"]);
});

it("entries that hang from one another in a circle are taken once, and a broken line is passed over", () => {
  const circle = [entry("a", "b", { message: said("one") }), entry("b", "a", { message: said("two") })];
  expect(branchOf(circle.join("")).map(textOf)).toEqual(["one", "two"]);
  expect(branchOf(`${circle[0]}{broken\n${circle[1]}`).map(textOf)).toEqual(["one", "two"]);
  expect(branchOf("")).toEqual([]);
});

function linear(texts: string[]): string {
  let parent: string | null = null;
  let lines = headerLine("s", "/w");
  for (const text of texts) {
    const { id, line } = messageLine(said(text), parent);
    parent = id;
    lines += line;
  }
  return lines;
}

function entry(id: string, parentId: string | null, more: Record<string, unknown>): string {
  return `${JSON.stringify({ type: "message", id, parentId, timestamp: "2026-01-01T00:00:00.000Z", ...more })}\n`;
}

function said(text: string): StoredMessage {
  return { role: "user", content: [{ type: "text", text }], timestamp: 1 };
}

function textOf(message: StoredMessage): string {
  return (message["content"] as { text: string }[])[0]!.text;
}

it.each([
  ["no time", { timestamp: undefined }],
  ["a time that is no number", { timestamp: "1" }],
  ["a time no date can hold", { timestamp: 8.64e15 + 1_000 }],
  ["such a time before all dates", { timestamp: -8.64e15 - 1_000 }],
  ["no content", { content: undefined }],
  ["content that is neither text nor blocks", { content: { text: "x" } }],
  ["a block that is nothing", { content: [{ type: "text", text: "x" }, null] }],
  ["a block that is a text", { content: ["x"] }],
])("a message with %s is passed over, and what hangs from it isn't", (_what, changes) => {
  const broken = { ...said("broken"), ...changes };
  const text = [entry("a", null, { message: broken }), entry("b", "a", { message: said("whole") })].join("");
  expect(branchOf(text)).toEqual([said("whole")]);
});

it("a message may be of the last moment there is, and of blocks", () => {
  const message = { ...said("x"), timestamp: 8.64e15, content: [{ type: "text", text: "x" }] };
  expect(branchOf(entry("a", null, { message }))).toEqual([message]);
});
