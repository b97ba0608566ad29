import { stripVTControlCharacters } from "node:util";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { columnsOf } from "../../../src/adapters/cli/terminal-text.ts";
import { renderFrame } from "../../../src/adapters/cli/view-frame.ts";
import { applyEvent, endMain, type ViewState } from "../../../src/adapters/cli/view-state.ts";
import { accepted, event, freshView, keyOf, settled, START, usage } from "./view.fixture.ts";

describe("a frame of the tree", () => {
  it("shows state, name, tokens, time and what each agent does", () => {
    const lines = renderFrame(busyView(), { width: 120, now: START + 4_000, colour: false });
    expect(lines).toEqual([
      "demo/scripted · /work/space · in process (the gateway listens on loopback)",
      "● running     main agent             0 tokens    4.0s  waits for 1 subagent",
      "├─ ✓ done        folders          1.2k tokens    1.0s",
      "├─ ● running     boss                0 tokens    3.0s  read src/index.ts (+1)",
      "│  └─ ○ queued      helper           0 tokens          waits for a free slot",
      "└─ ✗ failed      longest             7 tokens    1.0s  the server said no",
    ]);
  });

  it("sums up below the tree once the main agent has ended", () => {
    const view = busyView();
    endMain(view, { outcome: { status: "ok" }, at: START + 5_000, usage: usage(100, 0.02) });
    expect(renderFrame(view, { width: 120, now: START + 99_000, colour: false }).at(-1)).toBe(
      "4 subagents: 1 queued, 1 running, 1 done, 1 failed · 1.3k tokens · $0.0200 · 5.0s",
    );
  });

  it("keeps those at work when the terminal is too low, and counts the others", () => {
    const view = freshView();
    for (let n = 0; n < 30; n++) {
      applyEvent(view, event(`r${n}`, 0, accepted(`run ${n}`)));
      applyEvent(view, event(`r${n}`, 1, { type: "started", threadId: 1, queueMs: 0 }));
      if (n < 26) applyEvent(view, event(`r${n}`, 2, settled("ok", 10)));
    }
    const lines = renderFrame(view, { width: 100, height: 8, now: START + 3_000, colour: false });
    expect(lines).toHaveLength(7);
    expect(lines.slice(2, 6).join("\n")).toMatch(/run 26[^]*run 27[^]*run 28[^]*run 29/u);
    expect(lines[6]).toBe("… and 26 more subagents: 26 done");
  });

  it("colours nothing unless asked, and colours change no text", () => {
    const options = { width: 60, now: START + 4_000 };
    const plain = renderFrame(busyView(), { ...options, colour: false });
    const colour = renderFrame(busyView(), { ...options, colour: true });
    expect(plain.join("")).not.toContain("\u001b");
    expect(colour.join("")).toContain("\u001b[32m");
    expect(colour.map((line) => stripVTControlCharacters(line).trimEnd())).toEqual(plain);
  });

  it("never goes over the width or the height of the terminal", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 160 }),
        fc.integer({ min: 1, max: 12 }),
        fc.array(fc.tuple(fc.string({ unit: "grapheme", maxLength: 60 }), fc.nat(20)), { maxLength: 15 }),
        fc.boolean(),
        (width, height, runs, ended) => {
          const view = freshView();
          runs.forEach(([label, parent], n) => {
            applyEvent(view, event(`r${n}`, n, accepted(label), parent < n ? keyOf(`r${parent}`) : undefined));
            if (parent % 2 === 0) applyEvent(view, event(`r${n}`, n, settled("error", parent)));
          });
          if (ended) endMain(view, { outcome: { status: "error" }, at: START });
          const lines = renderFrame(view, { width, height, now: START, colour: false });
          expect(lines.length).toBeLessThanOrEqual(height);
          for (const line of lines) expect(columnsOf(line)).toBeLessThanOrEqual(width);
        },
      ),
    );
  });
});

function busyView(): ViewState {
  const view = freshView();
  const read = (toolCallId: string, detail: string) => ({
    type: "tool_start" as const,
    toolCallId,
    tool: "read",
    detail,
  });
  for (const each of [
    event("a", 0, accepted("folders")),
    event("b", 0, accepted("boss")),
    event("c", 0, accepted("longest")),
    event("a", 1, { type: "started", threadId: 1, queueMs: 0 }),
    event("b", 1, { type: "started", threadId: 2, queueMs: 0 }),
    event("c", 1, { type: "started", threadId: 2, queueMs: 0 }),
    event("d", 2, accepted("helper", 2), keyOf("b")),
    event("b", 2, read("1", "src/types.ts")),
    event("b", 2, read("2", "src/index.ts")),
    event("a", 2, settled("ok", 1_234)),
    event("c", 2, settled("error", 7)),
  ]) {
    applyEvent(view, each);
  }
  return view;
}
