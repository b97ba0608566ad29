import { describe, expect, it } from "vitest";
import { errorLines, exitCodeFor } from "../../../src/adapters/cli/exit-codes.ts";
import { ConfigError, InprocessError } from "../../../src/errors.ts";

describe("an error before the run", () => {
  it.each(["config_invalid", "task_invalid", "workspace_unusable", "state_dir_unusable", "model_unusable"] as const)(
    "exits 2 for %s, which the user can put right",
    (code) => expect(exitCodeFor(new InprocessError(code, "x"))).toBe(2),
  );

  it("exits 1 for everything else", () => {
    expect(exitCodeFor(new InprocessError("worker_start_failed", "x"))).toBe(1);
    expect(exitCodeFor(new TypeError("x"))).toBe(1);
    expect(exitCodeFor("thrown text")).toBe(1);
  });

  it("is one sentence without a stack", () => {
    expect(errorLines(new InprocessError("task_invalid", "the task is empty; say what to do"))).toEqual([
      "openclaw-inprocess: the task is empty; say what to do.",
    ]);
    expect(errorLines(new TypeError("Bad.\n    at x"))).toEqual(["openclaw-inprocess: Bad. at x."]);
  });

  it("has a line for each fault of a config", () => {
    const one = new ConfigError([{ path: "agents.defaults.subagnts", message: "unknown; did you mean subagents?" }]);
    expect(errorLines(one)).toEqual(["openclaw-inprocess: agents.defaults.subagnts: unknown; did you mean subagents?"]);
    const two = new ConfigError([
      { path: "a.b", message: "must be a number" },
      { path: "", message: "must be an object." },
    ]);
    expect(errorLines(two)).toEqual([
      "openclaw-inprocess: the configuration can't be used, it has 2 faults:",
      "  a.b: must be a number.",
      "  must be an object.",
    ]);
  });

  it("lets no escape sequence of a path or a value through", () => {
    expect(errorLines(new InprocessError("config_unreadable", "no file \u001b]0;t\u0007/tmp/\u001b[31mx"))).toEqual([
      "openclaw-inprocess: no file /tmp/x.",
    ]);
  });

  it("adds the stack only when asked", () => {
    const error = new TypeError("x");
    expect(errorLines(error, { stack: true })).toEqual(["openclaw-inprocess: x.", error.stack]);
  });
});
