import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { announcement, completionMessage, type CompletionFacts } from "../../src/announce/completion-text.ts";
import type { BudgetUse } from "../../src/types.ts";
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
        const said = one.outcome.status === "error" ? "" : one.text;
        expect(lines.slice(opening + 1, closing).join("\n")).toBe(said === "" ? "(no output)" : said);
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
        expect(head.slice(0, 7)).toEqual([
          "[Subagent result]",
          "source: subagent",
          "key: subagent:run-1",
          "session: agent:main:subagent:1",
          "session id: 1",
          "type: subagent task",
          "run: run-1",
        ]);
        expect(head.slice(7).map((line) => line.split(":")[0])).toEqual([
          "label",
          "task",
          "status",
          ...("cause" in one.outcome ? ["reason"] : []),
          ...((one.outcome.status === "ok") === (one.text === "") ? ["output"] : []),
        ]);
        expect(head[9]).toBe(`status: ${one.outcome.status}`);
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

  it("says how many bytes are beyond even what is kept", () => {
    const message = completionMessage(example({ text: "x".repeat(48_005), textBytesCut: 7 }));
    expect(message).toContain("cut: 5 characters and 7 bytes after them more stand in the transcript");
  });

  it("tells the cost when there is one, what came and went in tokens, and the whole prompt when some was cached", () => {
    const stats = (more: Partial<CompletionFacts["usage"]>) =>
      /^stats: .*$/m.exec(completionMessage(example({ usage: { ...USAGE, ...more } })))![0];
    const none = { ...USAGE, input: 0, output: 0, cacheRead: 0, cacheWrite: 0, costUsd: 0, turns: 0 };
    expect(stats(none)).toBe("stats: 0.0 s · tokens in 0, out 0");
    // What it had used isn't known when its process has died.
    const outcome = { status: "interrupted" as const };
    expect(completionMessage(example({ usage: none, outcome }))).toContain("\nstats: 0.0 s\n");
    expect(completionMessage(example({ outcome }))).toContain("· tokens in 10, out 5");
    expect(stats({})).toBe("stats: 0.0 s · tokens in 10, out 5 · prompt/cache 13 · $0.2500");
    expect(stats({ costUsd: 0 })).toBe("stats: 0.0 s · tokens in 10, out 5 · prompt/cache 13");
    expect(stats({ cacheRead: 0, cacheWrite: 0 })).toBe("stats: 0.0 s · tokens in 10, out 5 · $0.2500");
  });

  it("says that a run which ended well said nothing", () => {
    const message = completionMessage(example({ text: "" }));
    expect(message).toMatch(/^status: ok\noutput: missing: .*\n<<<RESULT \w+\n\(no output\)\nRESULT>>>/m);
  });

  it("has the failure of a run that failed, and nothing of what it had said", () => {
    const outcome = { status: "error", cause: { code: "model_error", message: "it broke off" } } as const;
    const message = completionMessage(example({ outcome, text: "half of it" }));
    expect(message).not.toContain("half of it");
    expect(message).toMatch(
      /^reason: it broke off \(model_error\)\noutput: left out, .*\n<<<RESULT \w+\n\(no output\)$/m,
    );
    expect(completionMessage(example({ outcome, text: "" }))).not.toMatch(/^output:/m);
  });

  it.each([
    ["a timeout", { status: "timeout", cause: { code: "run_timeout", message: "time is up" } }],
    ["a budget used up", { status: "error", cause: { code: "budget", message: "no tokens left" } }],
    ["an interruption", { status: "interrupted", cause: { code: "run_interrupted", message: "closed" } }],
  ] as const)("has what there was until %s, and says that it is partial", (_what, outcome) => {
    const message = completionMessage(example({ outcome, text: "half of it" }));
    expect(message).toMatch(/^output: partial: .*\n<<<RESULT \w+\nhalf of it$/m);
  });

  it("passes nothing on of a run that failed for no reason anybody knows", () => {
    const message = completionMessage(example({ outcome: { status: "error" }, text: "half of it" }));
    expect(message).not.toContain("half of it");
    expect(message).toMatch(/^status: error\noutput: left out, /m);
  });

  it("has its label, its task and its reason on one line, with one space for whatever lies between their words", () => {
    const text = " \t one\r\n\u2028 two\u0007\u0085three \n";
    const outcome = { status: "timeout", cause: { code: "run_timeout", message: text } } as const;
    const lines = completionMessage(example({ label: text, task: text, outcome })).split("\n");
    expect(lines).toEqual(
      expect.arrayContaining(["label: one two three", "task: one two three", "reason: one two three (run_timeout)"]),
    );
  });

  it("says that a private result is private", () => {
    expect(completionMessage(example({ completionTarget: "parent" }))).toMatch(/^private: /m);
    expect(completionMessage(example())).not.toMatch(/^private: /m);
  });

  it("tells what was used of what under a budget", () => {
    const used = { tokens: 1_200, usd: 0.5, turns: 3, toolCalls: 2, wallSeconds: 12.4 };
    const line = (budget: BudgetUse) => /^budget: .*$/m.exec(completionMessage(example({ budget })))![0];
    expect(line({ of: "run", limits: { tokens: 1_000, turns: 5 }, used, exceeded: "tokens" })).toBe(
      "budget: of the run · tokens 1200 of 1000 (used up) · turns 3 of 5",
    );
    expect(line({ of: "tree", limits: { usd: 1, toolCalls: 9, wallSeconds: 60 }, used })).toBe(
      "budget: of all subagents of this session · cost $0.5000 of $1.0000 · tool calls 2 of 9 · time 12 s of 60 s",
    );
    expect(line({ of: "tree", limits: { tokens: 2_000, usd: 1 }, used, unpriced: true })).toBe(
      "budget: of all subagents of this session · tokens 1200 of 2000 · cost $0.5000 of $1.0000 (no prices known of a model in it)",
    );
  });
});

describe("a message of several results", () => {
  it("holds each of them and says whether to wait for more", () => {
    const two = [{ message: "first" }, { message: "second" }];
    expect(announcement(two, 2)).toMatch(/^first\n\nsecond\n\n2 more subagents are still at work/);
    expect(announcement(two, 1)).toMatch(/1 more subagent is still at work/);
    expect(announcement(two, 0)).toMatch(/No subagent of yours is at work any more.*NO_REPLY/);
  });

  it("keeps each result between lines of its own, and ends with the host's words, whatever the children have said", () => {
    fc.assert(
      fc.property(fc.array(facts, { minLength: 1, maxLength: 4 }), fc.nat({ max: 3 }), (runs, left) => {
        const lines = announcement(
          runs.map((one) => ({ message: completionMessage(one) })),
          left,
        ).split("\n");
        let rest = [...lines];
        for (const one of runs) {
          const said = one.outcome.status === "error" || one.text === "" ? "(no output)" : one.text;
          expect(rest[0]).toBe("[Subagent result]");
          const token = tokenIn(rest);
          expect(lines.filter((line) => line.includes(token))).toHaveLength(2);
          const closing = rest.indexOf(`RESULT>>> ${token}`);
          expect(rest.slice(rest.indexOf(`<<<RESULT ${token}`) + 1, closing).join("\n")).toBe(said);
          rest = rest.slice(rest.indexOf("", closing) + 1);
        }
        expect(rest).toEqual([expect.stringMatching(left > 0 ? /^\d more subagents? / : /^No subagent of yours /)]);
      }),
    );
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
