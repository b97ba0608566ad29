import { expect, it } from "vitest";

import { meant, remember } from "../../src/tools/shown-lists.ts";
import { startRuntime } from "../helpers/runtime-fixture.ts";

it("a number means what the session was shown last, everything else itself", async () => {
  const { runtime } = await startRuntime({ engine: "by-task" });
  remember(runtime, "session", ["old"]);
  remember(runtime, "session", ["first", "second"]);
  for (const number of ["2", " 2 ", "02"]) expect(meant(runtime, "session", number)).toBe("second");
  for (const target of ["3", "0", "00", "0002", "last", "second", "1a"])
    expect(meant(runtime, "session", target)).toBe(target);
  expect(meant(runtime, "other", "1")).toBe("1");
});

it("of a thousand sessions is kept, the oldest forgotten", async () => {
  const { runtime } = await startRuntime({ engine: "by-task" });
  for (let count = 0; count <= 1_000; count++) remember(runtime, `session ${count}`, ["run"]);
  expect(meant(runtime, "session 0", "1")).toBe("1");
  expect(meant(runtime, "session 1", "1")).toBe("run");
});
