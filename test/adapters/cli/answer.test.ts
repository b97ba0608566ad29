import { describe, expect, it } from "vitest";
import { answerObject, endLines, exitCodeOf, type RunEnd } from "../../../src/adapters/cli/answer.ts";
import { applyEvent } from "../../../src/adapters/cli/view-state.ts";
import { accepted, event, freshView, settled, usage } from "./view.fixture.ts";

const result = { status: "ok" as const, text: "All done.", usage: usage(50), model: "demo/scripted", runId: "main" };
const answered: RunEnd = { kind: "answered", result };
const failed: RunEnd = { kind: "failed", cause: { code: "model_error", message: "500 from the server." } };
const interrupted = (...labels: string[]): RunEnd => ({
  kind: "stopped",
  reason: { kind: "signal", signal: "SIGINT" },
  interrupted: labels.map((label) => ({ runId: label, label, task: "t" })),
});

describe("the end of a run", () => {
  it("exits 0 for an answer, 1 for a failure, 130 for Ctrl-C", () => {
    expect(exitCodeOf(answered)).toBe(0);
    expect(exitCodeOf(failed)).toBe(1);
    expect(exitCodeOf(interrupted())).toBe(130);
    expect(exitCodeOf({ kind: "stopped", reason: { kind: "output_failed", message: "ENOSPC" }, interrupted: [] })).toBe(
      1,
    );
  });

  it("says nothing beside the answer, and why and where when there is none", () => {
    expect(endLines(answered, "/t.jsonl")).toEqual([]);
    expect(endLines(failed, "/t.jsonl")).toEqual([
      "openclaw-inprocess: the main agent failed: 500 from the server; what was said is kept in /t.jsonl.",
    ]);
  });

  it("is no answer when the main agent ended without a word: exit 1, and said so", () => {
    const wordless: RunEnd = { kind: "answered", result: { ...result, text: "" } };
    expect(exitCodeOf(wordless)).toBe(1);
    expect(endLines(wordless, "/t.jsonl")).toEqual([
      "openclaw-inprocess: the main agent ended without a word; what was said is kept in /t.jsonl.",
    ]);
    expect(answerObject(wordless, freshView(), "/t.jsonl")).toMatchObject({ status: "error", text: "" });
  });

  it("names what Ctrl-C cut off", () => {
    const lead = "openclaw-inprocess: interrupted by Ctrl-C while the main agent";
    expect(endLines(interrupted(), "/t")[0]).toBe(`${lead} was at work; what was said is kept in /t.`);
    expect(endLines(interrupted("a"), "/t")[0]).toContain(`${lead} and "a" were at work`);
    expect(endLines(interrupted("a", "b, c"), "/t")[0]).toContain(`${lead}, "a" and "b, c" were at work`);
  });

  it("ends quietly when nobody reads any more", () => {
    expect(endLines({ kind: "stopped", reason: { kind: "output_closed" }, interrupted: [] }, "/t")).toEqual([]);
  });

  it("is the last line of JSON, with every child and how it ended", () => {
    const view = freshView();
    for (const each of [
      event("a", 0, accepted("folders")),
      event("a", 1, { type: "started", threadId: 1, queueMs: 0 }),
      event("a", 2, settled("error", 40)),
      event("a", 2, { type: "delivered", attempts: 1 }),
      event("b", 2, accepted("tests")),
    ]) {
      applyEvent(view, each);
    }
    const object = answerObject(answered, view, "/t.jsonl");
    expect(JSON.parse(JSON.stringify(object))).toMatchObject({
      type: "answer",
      status: "ok",
      text: "All done.",
      model: "demo/scripted",
      usage: { totalTokens: 50 },
      transcript: "/t.jsonl",
      children: [
        {
          runId: "a",
          label: "folders",
          status: "error",
          cause: { code: "model_error" },
          totalTokens: 40,
          runtimeMs: 1_000,
          delivery: "delivered",
        },
        { runId: "b", label: "tests", status: "queued", delivery: "none" },
      ],
    });
    expect(answerObject(failed, view, "/t")).toMatchObject({
      status: "error",
      text: "",
      cause: { code: "model_error" },
    });
    expect(answerObject(interrupted(), view, "/t")).toMatchObject({ status: "interrupted", text: "" });
  });
});
