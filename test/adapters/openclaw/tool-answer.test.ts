import { describe, expect, it } from "vitest";

import { blockReason } from "../../../src/adapters/openclaw/tool-answer.ts";

describe("a result in place of an error", () => {
  it("opens with words that say it is none, and carries the whole result", () => {
    const result = { status: "accepted", runId: "r-1", note: 'say "done"' };
    const reason = blockReason("sessions_spawn", output(result));
    expect(reason).toMatch(/^STARTED, not an error: .*Do not call sessions_spawn again/);
    expect(JSON.parse(reason.slice(reason.indexOf("{")))).toEqual(result);
  });

  it.each([
    ["sessions_spawn", { status: "error", error: "no" }],
    ["sessions_spawn", { status: "forbidden", error: "no" }],
    ["subagents", { status: "rate_limited", code: "rate_limited", error: "wait 2 s" }],
    ["sessions_send", { status: "error", code: "not_found", error: "nobody" }],
  ])("doesn't say so of one that is: %s, %j", (tool, result) => {
    expect(blockReason(tool, output(result))).toMatch(new RegExp(`^${tool} was answered in process and refused`));
  });

  it("doesn't take a wait for a failure when only some of its children could not be waited for", () => {
    const waited = { status: "ok", reason: "unavailable", errors: [{ runId: "r-1", error: "not_found" }] };
    expect(blockReason("subagents", output(waited))).toMatch(/^DONE, not an error/);
  });

  it("names the sibling that was answered", () => {
    expect(blockReason("subagents", output({ status: "ok", total: 0 }))).toMatch(/^DONE, not an error: subagents/);
  });

  it("takes a failed call for a failure", () => {
    const failed = { content: [{ type: "text" as const, text: "no such child" }], isError: true };
    expect(blockReason("sessions_history", failed)).toMatch(/refused/);
  });
});

function output(result: Record<string, unknown>) {
  return { content: [{ type: "text" as const, text: JSON.stringify(result) }], details: result };
}
