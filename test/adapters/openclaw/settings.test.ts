import { describe, expect, it } from "vitest";

import { followChanges, readSettings } from "../../../src/adapters/openclaw/settings.ts";
import { chooseTakeover } from "../../../src/adapters/openclaw/takeover.ts";
import { selectRuntime } from "../../../src/policy/select-runtime.ts";

const FILES = { sessionsInFiles: true };
const SQLITE = { sessionsInFiles: false };

describe("the settings of the plugin", () => {
  it("are read from its entry, over the host's own defaults", () => {
    const raw = entry({ runtime: "inprocess", pool: { maxThreads: 2 } });
    const { subagents, agents } = readSettings(raw, FILES).config;
    expect(subagents).toMatchObject({ runtime: "inprocess", pool: { minThreads: 1, maxThreads: 2 } });
    expect(agents.defaults.subagents).toMatchObject({ maxSpawnDepth: 1, announceTimeoutMs: 90_000 });
    expect(readSettings({}, SQLITE).config.agents.defaults.subagents).toMatchObject({
      maxSpawnDepth: 5,
      announceTimeoutMs: 120_000,
    });
  });

  it("go by the rules of the host's version", () => {
    expect(readSettings({}, FILES).config.rules).toBe("2026.4.1");
    expect(readSettings({}, SQLITE).config.rules).toBe("2026.9.6");
  });

  it("leave OpenClaw's configuration as it was", () => {
    const raw = { agents: { defaults: {} } };
    readSettings(raw, FILES);
    expect(raw).toEqual({ agents: { defaults: {} } });
  });

  it.each([
    [{ runtime: "inproces" }, /subagents\.runtime/],
    [{ pool: { nice: 99 } }, /pool\.nice/],
    [{ nonsense: 1 }, /nonsense/],
    ["text", /subagents/],
  ])("say what is wrong in the plugin's entry: %j", (subagents, message) => {
    expect(() => readSettings(entry(subagents), FILES)).toThrow(message);
  });

  it("go on without what the host's own sections hold that we can't read", () => {
    const raw = { agents: { defaults: { subagents: { maxConcurrent: 3, invented: true } } } };
    const { config, passedOver } = readSettings(raw, FILES);
    expect(config.agents.defaults.subagents.maxConcurrent).toBe(3);
    expect(passedOver).toEqual([expect.stringContaining("agents.defaults.subagents.invented")]);
  });
});

describe("a host section that can't be read", () => {
  it("is left out as far as it can't be, names with dots and list members included", () => {
    const providers = {
      "llama.cpp": { baseUrl: 3, models: [] },
      fine: { baseUrl: "http://127.0.0.1:1/v1", models: [] },
    };
    const list = [{ id: "My Agent" }, { id: "ops" }];
    const { config, passedOver } = readSettings({ agents: { list }, models: { providers } }, FILES);
    expect(Object.keys(config.agents.list)).toEqual(["ops", "main"]);
    expect(config.models.providers["fine"]).toBeDefined();
    expect(passedOver.join("\n")).toMatch(/agents\.list\[0\]\.id/);
    expect(passedOver.join("\n")).toMatch(/llama\.cpp/);
  });
});

describe("a configuration that changes while the gateway runs", () => {
  it("is taken over where the host's sections have changed, and left where it can't be read", () => {
    let raw: Record<string, unknown> = { agents: { defaults: { model: "a/one" } } };
    const { config } = readSettings(raw, FILES);
    const { agents } = config;
    const follow = followChanges(config, () => raw, FILES);
    follow();
    expect(agents.defaults.model?.primary).toBe("a/one");
    raw = { agents: { defaults: { model: "a/two" }, list: [{ id: "ops" }] } };
    follow();
    expect(agents.defaults.model?.primary).toBe("a/two");
    expect(Object.keys(agents.list)).toContain("ops");
    raw = { ...entry({ nonsense: 1 }), agents: { defaults: { model: "a/three" } } };
    follow();
    expect(agents.defaults.model?.primary).toBe("a/two");
  });
});

describe("which spawns are taken", () => {
  it.each([
    ["auto", "loopback", true, "openclaw", { spawns: "always", tools: true }],
    ["auto", "loopback", true, "pi", { spawns: "when-broken", tools: true }],
    ["inprocess", "lan", true, "pi", { spawns: "always", tools: true }],
    ["auto", "lan", true, "openclaw", { spawns: "when-broken", tools: false }],
    ["gateway", "loopback", true, "openclaw", { spawns: "when-broken", tools: false }],
    ["gateway", "loopback", false, "openclaw", { spawns: "never", tools: false }],
  ])("runtime %s, bind %s, fallback %s, engine %s", (runtime, bind, fallback, engine, expected) => {
    const raw = { ...entry({ runtime, fallback }), gateway: { bind } };
    const { config } = readSettings(raw, FILES);
    expect(chooseTakeover(config, selectRuntime(config), engine)).toMatchObject(expected);
  });
});

function entry(subagents: unknown) {
  return { plugins: { entries: { "openclaw-inprocess": { config: { subagents } } } } };
}
