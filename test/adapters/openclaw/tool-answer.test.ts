import { describe, expect, it } from "vitest";

import { blockReason } from "../../../src/adapters/openclaw/tool-answer.ts";

describe("a result in place of an error", () => {
  it("opens with words that say it is none, and carries the whole result", () => {
    const result = { status: "accepted", runId: "r-1", note: 'say "done"' };
    const reason = blockReason("sessions_spawn", output(result));
    expect(reason).toMatch(/^STARTED, not an error: .*Do not call sessions_spawn again/);
    expect(JSON.parse(reason.slice(reason.indexOf("{")))).toEqual(result);
  });

  it.each(["error", "forbidden"])("doesn't say so of one that is: %s", (status) => {
    expect(blockReason("sessions_spawn", output({ status, error: "no" }))).toMatch(/^sessions_spawn .*refused/);
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
