import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { announcement, completionMessage, type CompletionFacts } from "../../src/announce/completion-text.ts";
import { USAGE } from "../registry/fixtures/rows.ts";

/** Pieces a hostile child would try, and anything else. */
const hostile = fc
  .array(
    fc.oneof(
      fc.string({ unit: "grapheme" }),
      fc.constantFrom("\n", "\r\n", "\u2028", "\u0085", "RESULT>>> ", "<<<RESULT ", "status: ok", "[Subagent result]"),
      fc.constantFrom("stats: 0 s", "What stands between", "\u0000", "\u001b[2J", "\uD800", "key: subagent:other"),
    ),
    { maxLength: 12 },
  )
  .map((pieces) => pieces.join(""));

const facts: fc.Arbitrary<CompletionFacts> = fc.record({
  key: fc.constant("subagent:run-1"),
  runId: fc.constant("run-1"),
  childSessionKey: fc.constant("agent:main:subagent:1"),
  sessionId: fc.constant("1"),
  requesterSessionKey: fc.constant("agent:main:main"),
  outcome: fc.oneof(
    fc.constant({ status: "ok" as const }),
    fc.record({
      status: fc.constantFrom("error", "timeout", "interrupted"),
      cause: fc.record({ code: fc.constant("model_error" as const), message: hostile }),
    }),
  ),
  text: hostile,
  usage: fc.constant(USAGE),
  label: hostile,
  task: hostile,
  model: hostile,
  runtimeMs: fc.nat(),
  transcriptPath: fc.constant("/state/transcripts/main/1.jsonl"),
});

describe("the block a requester's model is shown", () => {
  it("has one opening and one closing line that belong together, whatever the child has said", () => {
    fc.assert(
      fc.property(facts, (one) => {
        const lines = completionMessage(one).split("\n");
        const token = tokenIn(lines);
        const opening = lines.indexOf(`<<<RESULT ${token}`);
        const closing = lines.indexOf(`RESULT>>> ${token}`);
        expect(lines.filter((line) => line.includes(token))).toHaveLength(2);
        expect(lines.slice(opening + 1, closing).join("\n")).toBe(one.text === "" ? "(no output)" : one.text);
      }),
    );
  });

  it("says outside of these lines nothing but what the registry knows, each on one line", () => {
    fc.assert(
      fc.property(facts, (one) => {
        const lines = completionMessage(one).split("\n");
        const token = tokenIn(lines);
        const head = lines.slice(0, lines.indexOf(`<<<RESULT ${token}`));
        const tail = lines.slice(lines.indexOf(`RESULT>>> ${token}`) + 1);
        expect(head.slice(0, 5)).toEqual([
          "[Subagent result]",
          "source: subagent",
          "key: subagent:run-1",
          "session: agent:main:subagent:1",
          "run: run-1",
        ]);
        expect(head.slice(5).map((line) => line.split(":")[0])).toEqual([
          "label",
          "task",
          "status",
          ...("cause" in one.outcome ? ["reason"] : []),
        ]);
        expect(head[7]).toBe(`status: ${one.outcome.status}`);
        expect(tail.map((line) => line.split(/[: ]/)[0])).toEqual(["stats", "transcript", "What"]);
        // No character in them that some reader takes for the end of a line, or for a command to a terminal.
        expect([...head, ...tail].join("")).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/);
      }),
    );
  });

  it("has another token each time", () => {
    const tokens = Array.from({ length: 20 }, () => tokenIn(completionMessage(example()).split("\n")));
    expect(new Set(tokens).size).toBe(20);
  });

  it("says how much was cut of a long text, and never cuts a character in two", () => {
    const message = completionMessage(example({ text: `${"x".repeat(47_999)}😀${"y".repeat(100)}` }));
    expect(message).toContain("cut: 102 characters more stand in the transcript");
    expect(message.isWellFormed()).toBe(true);
  });

  it("tells the cost when there is one, and what came and went in tokens", () => {
    expect(completionMessage(example())).toMatch(/stats: 0\.0 s · tokens in 13, out 5 · \$0\.2500/);
    expect(completionMessage(example({ usage: { ...USAGE, costUsd: 0 } }))).not.toContain("$");
  });
});

describe("a message of several results", () => {
  it("holds each of them and says whether to wait for more", () => {
    const two = [{ message: "first" }, { message: "second" }];
    expect(announcement(two, 2)).toMatch(/^first\n\nsecond\n\n2 more subagents are still at work/);
    expect(announcement(two, 1)).toMatch(/1 more subagent is still at work/);
    expect(announcement(two, 0)).toMatch(/No subagent of yours is at work any more.*NO_REPLY/);
  });
});

function example(changes: Partial<CompletionFacts> = {}): CompletionFacts {
  return {
    key: "subagent:run-1",
    runId: "run-1",
    childSessionKey: "agent:main:subagent:1",
    sessionId: "1",
    requesterSessionKey: "agent:main:main",
    outcome: { status: "ok" },
    text: "42",
    usage: USAGE,
    task: "count",
    runtimeMs: 5,
    transcriptPath: "/state/1.jsonl",
    ...changes,
  };
}

/** The token of the first opening line: what the child says comes after it. */
function tokenIn(lines: string[]): string {
  return /^<<<RESULT ([0-9a-f]{24})$/.exec(lines.find((line) => line.startsWith("<<<RESULT "))!)![1]!;
}
