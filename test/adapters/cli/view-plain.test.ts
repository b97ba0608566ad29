import { describe, expect, it } from "vitest";
import { plainHeader, plainStory } from "../../../src/adapters/cli/view-plain.ts";
import { applyEvent } from "../../../src/adapters/cli/view-state.ts";
import type { RunEvent } from "../../../src/events.ts";
import { accepted, event, freshView, settled, usage } from "./view.fixture.ts";

describe("the show without a terminal", () => {
  it("tells a run's life in plain lines", () => {
    const lines = story(
      event("a", 0, accepted("folders")),
      event("a", 1, { type: "started", threadId: 3, queueMs: 0 }),
      event("a", 1, { type: "model_request", model: "demo/scripted" }),
      event("a", 1.5, { type: "tool_start", toolCallId: "1", tool: "list", detail: "src" }),
      event("a", 1.6, { type: "tool_end", toolCallId: "1", tool: "list", isError: false, ms: 4 }),
      event("a", 1.6, { type: "usage", usage: usage(10), model: "demo/scripted" }),
      event("a", 2, settled("ok", 1_500)),
      event("a", 2, { type: "delivered", attempts: 1 }),
    );
    expect(lines).toEqual([
      "[0.0s] folders: accepted as run a: the task of folders",
      "[1.0s] folders: started in thread 3",
      "[1.5s] folders: list src",
      "[2.0s] folders: done, 1.5k tokens, 2 tool calls, 0.8s",
      "[2.0s] folders: result delivered to its requester",
    ]);
  });

  it("says why something went wrong", () => {
    const lines = story(
      event("a", 0, accepted("x")),
      event("a", 1, { type: "tool_end", toolCallId: "1", tool: "read", isError: true, ms: 4 }),
      event("a", 1, { type: "retry", model: "p/m", reason: "429" }),
      event("a", 2, settled("error", 1)),
      event("a", 2, { type: "undelivered", reason: "its requester is gone" }),
    );
    expect(lines.slice(1)).toEqual([
      "[1.0s] x: read answered with an error",
      "[1.0s] x: asks p/m again: 429",
      "[2.0s] x: failed (the server said no), 1 token, 2 tool calls, 0.8s",
      "[2.0s] x: result could not be delivered: its requester is gone",
    ]);
  });

  it("shows the first calls of an answer and counts the others", () => {
    const read = (n: number) =>
      event("a", 2, { type: "tool_start", toolCallId: `${n}`, tool: "read", detail: `file${n}` });
    const again = event("a", 3, { type: "model_request", model: "p/m" });
    const lines = story(
      event("a", 0, accepted("x")),
      ...[1, 2, 3, 4, 5, 6, 7].map(read),
      again,
      ...[8, 9].map(read),
      event("a", 4, settled("ok", 1)),
    );
    expect(lines.slice(1).map((line) => line.replace(/^\[.*\] x: /u, ""))).toEqual([
      ...["read file1", "read file2", "read file3", "read file4", "and 3 more calls"],
      ...["read file8", "read file9", "done, 1 token, 2 tool calls, 0.8s"],
    ]);
  });

  it("tells a first start from going on", () => {
    const lines = story(
      event("a", 0, accepted("x")),
      event("a", 1, { type: "started", threadId: 3, queueMs: 0 }),
      event("a", 2, { type: "resumed", reason: "thread_lost" }),
      event("a", 3, { type: "started", threadId: 4, queueMs: 0 }),
    );
    expect(lines.slice(1)).toEqual([
      "[1.0s] x: started in thread 3",
      "[2.0s] x: goes on in another thread, its own was lost",
      "[3.0s] x: goes on in thread 4",
    ]);
    expect(
      story(event("a", 0, accepted("x")), event("a", 1, { type: "started", threadId: 0, queueMs: 0 })).at(-1),
    ).toBe("[1.0s] x: started in the gateway");
  });

  it("lets no control code through from tools, models or reasons", () => {
    const dirty = "\u001b[31mred\u001b]0;t\u0007\nline";
    const lines = story(
      event("a", 0, accepted(dirty)),
      event("a", 1, { type: "tool_start", toolCallId: "1", tool: dirty, detail: dirty }),
      event("a", 1, { type: "retry", model: dirty, reason: dirty }),
      event("a", 2, { type: "undelivered", reason: dirty }),
    );
    expect(lines).toHaveLength(4);
    for (const line of lines) expect(line).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/u);
  });

  it("says first what runs where", () => {
    expect(plainHeader(freshView())).toBe(
      "[0.0s] in process (the gateway listens on loopback), model demo/scripted, workspace /work/space",
    );
    const view = freshView();
    const header = { ...view.header, runtime: "gateway" as const };
    expect(plainHeader({ ...view, header })).toMatch(/^\[0\.0s\] in the gateway \(/);
  });
});

function story(...events: RunEvent[]): string[] {
  const view = freshView();
  const tell = plainStory(view);
  return events.flatMap((each) => {
    applyEvent(view, each);
    return tell(each);
  });
}
