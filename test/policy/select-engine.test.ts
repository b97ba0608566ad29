import { describe, expect, it } from "vitest";

import { parseConfig } from "../../src/config.ts";
import { selectEngine } from "../../src/policy/select-engine.ts";

const NONE = { missing: "this host has no runner to offer" };

describe("the engine of an install", () => {
  it.each([
    [undefined, {}, "openclaw", "can be loaded in a thread"],
    [undefined, NONE, "pi", NONE.missing],
    ["auto", {}, "openclaw", "can be loaded in a thread"],
    ["auto", NONE, "pi", NONE.missing],
    ["pi", {}, "pi", 'is "pi"'],
    ["pi", NONE, "pi", 'is "pi"'],
    ["openclaw", {}, "openclaw", 'is "openclaw"'],
    ["/opt/engine.mjs", NONE, "/opt/engine.mjs", "/opt/engine.mjs"],
  ])("%s, with a runner that %j: %s", (engine, runner, expected, reason) => {
    const choice = selectEngine(parseConfig({ subagents: { engine } }), runner);
    expect(choice.engine).toBe(expected);
    expect(choice.reason).toContain(reason);
  });

  it("is refused when it is the host's own by name and can't be had", () => {
    const config = parseConfig({ subagents: { engine: "openclaw" } });
    expect(() => selectEngine(config, NONE)).toThrow(
      expect.objectContaining({
        code: "config_invalid",
        message: 'subagents.engine is "openclaw", but this host has no runner to offer; set it to "auto" or "pi".',
      }),
    );
  });
});
