import { describe, expect, it } from "vitest";
import { applyEvent, endMain, isSettled } from "../../../src/adapters/cli/view-state.ts";
import type { RunEvent } from "../../../src/events.ts";
import { accepted, event, freshView, keyOf, settled, START, usage } from "./view.fixture.ts";

function after(...events: RunEvent[]) {
  const view = freshView();
  for (const each of events) applyEvent(view, each);
  return view;
}

describe("the state of the show", () => {
  it("follows a run from accepted to delivered", () => {
    const view = after(event("a", 0, accepted("folders")));
    const row = view.runs.get("a")!;
    expect(row).toMatchObject({ name: "folders", state: "queued" });
    applyEvent(view, event("a", 1, { type: "started", threadId: 3, queueMs: 2 }));
    applyEvent(view, event("a", 1, { type: "model_request", model: "demo/scripted" }));
    expect(row).toMatchObject({ state: "running", thinking: true, startedAt: START + 1_000, model: "demo/scripted" });
    applyEvent(view, event("a", 2, { type: "usage", usage: usage(120), model: "demo/scripted" }));
    expect(row).toMatchObject({ thinking: false, totalTokens: 120 });
    applyEvent(view, event("a", 3, settled("ok", 340)));
    expect(row).toMatchObject({ state: "ok", totalTokens: 340, endedAt: START + 3_000, delivery: "none" });
    applyEvent(view, event("a", 3, { type: "delivered", attempts: 1 }));
    expect(row.delivery).toBe("delivered");
  });

  it("hangs a run under the run whose session asked for it", () => {
    const view = after(
      event("a", 0, accepted("boss")),
      event("b", 1, accepted("helper", 2), keyOf("a")),
      event("c", 1, accepted("other")),
    );
    expect(view.main.children.map((row) => row.name)).toEqual(["boss", "other"]);
    expect(view.runs.get("a")!.children.map((row) => row.name)).toEqual(["helper"]);
  });

  it("keeps parallel tool calls apart and drops each as it ends", () => {
    const call = (toolCallId: string) => ({
      type: "tool_start" as const,
      toolCallId,
      tool: "read",
      detail: `file ${toolCallId}`,
    });
    const view = after(event("a", 0, accepted("x")), event("a", 1, call("1")), event("a", 1, call("2")));
    const { tools } = view.runs.get("a")!;
    applyEvent(view, event("a", 2, { type: "tool_end", toolCallId: "1", tool: "read", isError: false, ms: 3 }));
    expect(tools.map((each) => each.detail)).toEqual(["file 2"]);
  });

  it("shows no tool on a run that has settled or waits", () => {
    const start = { type: "tool_start" as const, toolCallId: "1", tool: "exec", detail: "sleep" };
    const view = after(
      event("a", 0, accepted("x")),
      event("a", 1, start),
      event("a", 2, { type: "waiting", children: 1 }),
    );
    expect(view.runs.get("a")).toMatchObject({ state: "waiting", tools: [] });
    applyEvent(view, event("a", 3, { type: "resumed", reason: "children_settled" }));
    expect(view.runs.get("a")!.state).toBe("running");
    applyEvent(view, event("a", 4, start));
    applyEvent(view, event("a", 4, settled("killed", 1)));
    expect(view.runs.get("a")).toMatchObject({ state: "killed", tools: [] });
  });

  it("holds only clean text, whatever a model calls its child", () => {
    const view = after(event("a", 0, accepted("\u001b]0;owned\u0007sweet\nlabel")));
    applyEvent(view, event("a", 1, { type: "tool_start", toolCallId: "1", tool: "read", detail: "a\u001b[2Jb" }));
    expect(view.runs.get("a")).toMatchObject({ name: "sweet label", tools: [{ detail: "ab" }] });
  });

  it("names a run without a label after its task", () => {
    const view = after(
      event("a", 0, { type: "accepted", task: "Read\nthe docs", agentId: "main", depth: 1, queuePosition: 0 }),
    );
    expect(view.runs.get("a")!.name).toBe("Read the docs");
    expect(view.runs.get("a")!.label).toBeUndefined();
  });

  it("leaves events of unknown runs alone and accepts a run once", () => {
    const view = after(event("ghost", 0, settled("ok", 1)), event("a", 0, accepted("x")), event("a", 1, accepted("x")));
    expect([...view.runs.keys()]).toEqual(["a"]);
    expect(view.main.children).toHaveLength(1);
  });

  it("follows the main agent by its own events and ends it with all its usage", () => {
    const view = after(
      event("main", 1, { type: "tool_start", toolCallId: "1", tool: "sessions_spawn", detail: "folders" }),
    );
    expect(view.main.tools).toHaveLength(1);
    expect(isSettled(view.main)).toBe(false);
    endMain(view, { outcome: { status: "ok" }, at: START + 5_000, usage: usage(900, 0.01) });
    expect(view.main).toMatchObject({
      state: "ok",
      tools: [],
      totalTokens: 900,
      costUsd: 0.01,
      endedAt: START + 5_000,
    });
  });
});
