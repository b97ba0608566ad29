import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";

import * as api from "../../src/index.ts";
import { rollUp, type RolledUp } from "./rolled-up.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const COMMITTED = join(import.meta.dirname, "index.d.ts.snap");

describe("the public API", () => {
  let now: RolledUp;
  beforeAll(() => {
    now = rollUp(ROOT);
    if (process.env.UPDATE_API === "1") writeFileSync(COMMITTED, now.text);
  }, 240_000);

  it("is what test/api/index.d.ts.snap says, down to every signature", () => {
    const committed = existsSync(COMMITTED) ? readFileSync(COMMITTED, "utf8").replaceAll("\r\n", "\n") : "";
    expect(
      now.text,
      "The public API has changed. What stands in design §4 is kept; if the change is meant, run `UPDATE_API=1 npx vitest run test/api/declarations.test.ts` and tell users in CHANGELOG.md.",
    ).toBe(committed);
  });

  it("has every value and type that was promised", () => {
    expect(now.values).toEqual(expect.arrayContaining(PROMISED_VALUES));
    expect(now.types).toEqual(expect.arrayContaining(PROMISED_TYPES));
    expect(Object.keys(api).sort()).toEqual(now.values);
  });
});

describe("a capability that isn't there", () => {
  it("is absent from `capabilities` and refused by its name", async () => {
    const stateDir = mkdtempSync(join(tmpdir(), "capabilities-"));
    const config = api.parseConfig({ agents: { defaults: { model: "demo/scripted" } } });
    const host: api.Host = {
      resolveModel: api.modelsFromConfig(config),
      workspaceDir: () => ROOT,
      deliver: async () => "delivered",
    };
    const runtime = await api.createSubagentRuntime({ config, host, stateDir });
    try {
      const requester = { sessionKey: "agent:main:main", agentId: "main" };
      expect([...runtime.capabilities].sort()).toEqual([
        "attachments",
        "budget",
        "collect",
        "dedicated",
        "fork",
        "history",
        "inject",
        "kill",
        "nesting",
        "steer",
        "timeout",
        "tools",
      ]);
      expect(await runtime.steer("last", "faster", requester)).toMatchObject({ status: "error", code: "not_found" });
      const history = runtime.history("agent:main:subagent:x", requester);
      await expect(history).rejects.toMatchObject({ name: "InprocessError", code: "not_found" });
      const bound = await runtime.spawn({ task: "stay", mode: "session" }, requester);
      expect(bound).toMatchObject({ status: "error", error: expect.stringMatching(/session/) as string });
      const walled = await runtime.spawn({ task: "stay", isolation: "process" }, requester);
      expect(walled).toMatchObject({ status: "error", code: "isolation_unavailable" });
      expect(await runtime.list(requester)).toEqual([]);
    } finally {
      await runtime.close();
      rmSync(stateDir, { recursive: true, force: true, maxRetries: 5 });
    }
  });
});

/** The names of the contract that embedders write against. */
const PROMISED_VALUES = [
  "createSubagentRuntime",
  "createSessionTools",
  "parseConfig",
  "selectRuntime",
  "modelsFromConfig",
  "ConfigError",
  "InprocessError",
  "ERROR_CODES",
];
const PROMISED_TYPES = [
  ...["Requester", "ResolvedModel", "Completion", "SubagentRuntime", "Capability", "Cost", "Outcome", "Usage"],
  ...["SpawnParams", "SpawnResult", "WaitResult", "ListOptions", "RunView", "ControlResult", "HistoryOptions"],
  ...["History", "EventFilter", "RunEvent", "RuntimeStats", "Host", "ChildContext", "HostTool", "ToolCall"],
  ...["ToolVerdict", "SessionFilter", "SessionView", "Engine", "EngineTask", "EngineLink", "EngineResult"],
  ...["AgentTool", "Config", "ConfigError", "Cause", "ErrorCode", "Logger", "RuntimeOptions", "RuntimeChoice"],
];
