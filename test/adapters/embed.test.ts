import { join } from "node:path";
import { expect, it } from "vitest";

import { createChosenRuntime } from "../../src/adapters/embed.ts";
import { createLogger } from "../../src/log.ts";
import { RecordingHost } from "../helpers/recording-host.ts";
import { closeAfterTest, fixtureConfig, tempFolder } from "../helpers/runtime-fixture.ts";

it("a runtime that a plugin has chosen says why it was chosen, not what it was handed", async () => {
  const lines: object[] = [];
  const logger = { ...createLogger(), info: (fields: object) => void lines.push(fields) };
  const options = {
    config: fixtureConfig({ subagents: { runtime: "gateway" } }),
    host: new RecordingHost(tempFolder()),
    stateDir: join(tempFolder(), "state"),
    logger,
  };
  const engine = { engine: "pi", reason: "the host has no runner" };
  const runtime = await createChosenRuntime(options, { reason: "the core's path is broken", engine });
  closeAfterTest(() => runtime.close());
  expect(runtime.kind).toBe("inprocess");
  expect(lines[0]).toEqual({
    runtime: "inprocess",
    reason: "the core's path is broken",
    engine: "pi",
    engineReason: "the host has no runner",
  });
});
