import { homedir, availableParallelism } from "node:os";
import { join, resolve } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseConfig } from "../../src/config.ts";
import { ConfigError } from "../../src/errors.ts";

describe("an empty config", () => {
  it.each([undefined, null, {}])("is filled with the documented defaults (%s)", (raw) => {
    const cores = Math.min(4, availableParallelism());
    expect(parseConfig(raw)).toEqual({
      rules: "2026.9.6",
      subagents: {
        runtime: "auto",
        fallback: true,
        engine: "auto",
        isolation: "thread",
        pool: {
          minThreads: cores,
          maxThreads: cores,
          runsPerThread: 64,
          idleTimeoutMs: 60_000,
          maxQueue: 10_000,
          nice: 10,
        },
        budget: {},
        grace: { abortMs: 2000, terminateMs: 3000 },
        announce: { mode: "each" },
      },
      gateway: { mode: "local", bind: "loopback", port: 18_789, auth: {}, tls: { enabled: false }, remote: {} },
      agents: {
        defaults: {
          modelAliases: {},
          modelIdleTimeoutSeconds: 120,
          subagents: {
            maxConcurrent: 8,
            maxSpawnDepth: 2,
            maxChildrenPerAgent: 5,
            runTimeoutSeconds: 0,
            archiveAfterMinutes: 60,
            announceTimeoutMs: 120_000,
            requireAgentId: false,
          },
        },
        list: { main: { id: "main", subagents: {}, tools: {} } },
        defaultAgentId: "main",
      },
      models: { mode: "merge", providers: {} },
      tools: {
        execAllowed: false,
        execTimeoutSeconds: 1800,
        subagents: {},
        sessions_spawn: {
          attachments: {
            enabled: false,
            maxTotalBytes: 5_242_880,
            maxFiles: 50,
            maxFileBytes: 1_048_576,
            retainOnSessionKeep: false,
          },
        },
        swarm: {
          enabled: true,
          maxConcurrent: 8,
          maxChildrenPerGroup: 50,
          maxTotalPerGroup: 200,
          waitTimeoutSecondsMax: 600,
        },
      },
      env: {},
    });
  });
});

describe("sections that aren't ours", () => {
  it("are left alone, whatever is in them", () => {
    const raw = {
      channels: { telegram: { botToken: 7, groups: { "*": {} } } },
      hooks: [],
      wizard: { lastRunMode: "local" },
      agents: { defaults: { heartbeat: { every: "0m" }, compaction: 3, imageModel: "x/y" } },
      gateway: {
        auth: { mode: "token", token: { source: "exec", id: "x" }, rateLimit: { maxAttempts: "?" } },
        tailscale: { mode: "off" },
      },
      tools: { web: { search: 1 }, exec: { safeBins: ["jq"] } },
      plugins: { entries: { telegram: { enabled: "?" }, "openclaw-inprocess": { enabled: true } } },
      models: { bedrockDiscovery: { enabled: 1 } },
    };
    expect(() => parseConfig(raw)).not.toThrow();
  });
});

describe("our own section", () => {
  it("is read from the top level, and the plugin's config wins key by key", () => {
    const { subagents } = parseConfig({
      subagents: { runtime: "gateway", pool: { maxThreads: 8, nice: 3 }, grace: { abortMs: 5 } },
      plugins: {
        entries: { "openclaw-inprocess": { config: { subagents: { runtime: "inprocess", pool: { nice: 0 } } } } },
      },
    });
    expect(subagents).toMatchObject({
      runtime: "inprocess",
      pool: { maxThreads: 8, minThreads: 8, nice: 0 },
      grace: { abortMs: 5, terminateMs: 3000 },
    });
  });

  it.each([
    [{ subagents: { runtme: "auto" } }, "subagents.runtme", 'did you mean "runtime"?'],
    [{ subagents: { pool: { maxThread: 2 } } }, "subagents.pool.maxThread", 'did you mean "maxThreads"?'],
    [{ subagents: { budget: { token: 2 } } }, "subagents.budget.token", 'did you mean "tokens"?'],
    [{ subagents: { annouce: {} } }, "subagents.annouce", 'did you mean "announce"?'],
    [
      { plugins: { entries: { "openclaw-inprocess": { config: { subagnets: {} } } } } },
      "plugins.entries.openclaw-inprocess.config.subagnets",
      'did you mean "subagents"?',
    ],
    [
      { agents: { defaults: { subagents: { maxConcurent: 2 } } } },
      "agents.defaults.subagents.maxConcurent",
      'did you mean "maxConcurrent"?',
    ],
    [
      { agents: { list: [{ id: "a" }, { id: "b", subagents: { allowAgent: [] } }] } },
      "agents.list[1].subagents.allowAgent",
      'did you mean "allowAgents"?',
    ],
    [
      { agents: { entries: { a: { subagents: { requireAgentID: true } } } } },
      "agents.entries.a.subagents.requireAgentID",
      'did you mean "requireAgentId"?',
    ],
    [
      { agents: { defaults: { subagents: { model: { primary: "a/b", fallback: [] } } } } },
      "agents.defaults.subagents.model.fallback",
      'did you mean "fallbacks"?',
    ],
    [{ tools: { subagents: { tools: { denny: [] } } } }, "tools.subagents.tools.denny", 'did you mean "deny"?'],
    [{ subagent: {} }, "subagent", 'did you mean "subagents"?'],
    [{ subagnets: {} }, "subagnets", 'did you mean "subagents"?'],
    [{ SubAgents: {} }, "SubAgents", 'did you mean "subagents"?'],
    [{ agents: { defaults: { subagent: {} } } }, "agents.defaults.subagent", 'did you mean "subagents"?'],
    [{ agents: { default: {} } }, "agents.default", 'did you mean "defaults"?'],
    [{ model: { providers: {} } }, "model", 'did you mean "models"?'],
    [{ modles: { mode: "merge" } }, "modles", 'did you mean "models"?'],
    [{ agnets: { list: [] } }, "agnets", 'did you mean "agents"?'],
    [{ gateway: { customBindhost: "x" } }, "gateway.customBindhost", 'did you mean "customBindHost"?'],
    [{ gateway: { auth: { tokne: "x" } } }, "gateway.auth.tokne", 'did you mean "token"?'],
    [{ gateway: { remote: { tlsFingerPrint: "x" } } }, "gateway.remote.tlsFingerPrint", '"tlsFingerprint"?'],
    [{ models: { providers: { x: { baseURL: "y" } } } }, "models.providers.x.baseURL", 'did you mean "baseUrl"?'],
  ])("names the nearest key for a slip: %j", (raw, path, hint) => {
    expect(issuesOf(raw)).toEqual([{ path, message: expect.stringContaining(hint) as string }]);
  });

  it.each([{ agent: { model: "a/b" } }, { agent: { defaults: {} } }, { model: "a/b" }, { model: { primary: "a/b" } }])(
    "leaves OpenClaw's older keys, and what doesn't look like ours, alone: %j",
    (raw) => expect(() => parseConfig(raw)).not.toThrow(),
  );

  it("names what there is where nothing is near", () => {
    expect(issuesOf({ subagents: { grace: { zzz: 1 } } })).toEqual([
      { path: "subagents.grace.zzz", message: "there is no such setting; known here: abortMs, terminateMs" },
    ]);
  });

  it("collects everything that is wrong into one error", () => {
    const raw = {
      subagents: { runtime: "inproces", pool: { nice: 99, threads: 1 }, fallback: "yes" },
      gateway: { bind: "127.0.0.1" },
      agents: { defaults: { subagents: { maxSpawnDepth: 6 } } },
      subagnets: {},
    };
    expect(
      issuesOf(raw)
        .map((issue) => issue.path)
        .sort(),
    ).toEqual([
      "agents.defaults.subagents.maxSpawnDepth",
      "gateway.bind",
      "subagents.fallback",
      "subagents.pool.nice",
      "subagents.pool.threads",
      "subagents.runtime",
      "subagnets",
    ]);
    expect(() => parseConfig(raw)).toThrow(/subagents\.pool\.nice: must be a whole number from 0 to 19, not 99/);
    expect(() => parseConfig(raw)).toThrow(
      /one of auto, inprocess, gateway, not "inproces"; did you mean "inprocess"\?/,
    );
  });

  it.each([
    [{ minThreads: 3, maxThreads: 2 }, "must be at most 2 (maxThreads), not 3"],
    [{ minThreads: 64 }, "maxThreads, which is min(4, cores) when not set"],
  ])("doesn't take more threads at least than at most: %j", (pool, message) => {
    expect(issuesOf({ subagents: { pool } })).toEqual([
      { path: "subagents.pool.minThreads", message: expect.stringContaining(message) as string },
    ]);
  });

  it.each(["claw", "./engine.js", "", 3])(
    "takes no engine that isn't one of ours, a path or a file URL: %s",
    (engine) => {
      expect(issuesOf({ subagents: { engine } }).map((issue) => issue.path)).toEqual(["subagents.engine"]);
    },
  );

  it("takes an engine's path", () => {
    const engine = resolve("engine.js");
    expect(parseConfig({ subagents: { engine } }).subagents.engine).toBe(engine);
    expect(parseConfig({ subagents: { engine: "~/e.js" } }).subagents.engine).toBe(`${homedir()}/e.js`);
  });
});

describe("ranges", () => {
  const ranges: [(value: unknown) => unknown, string, number, number][] = [
    [(v) => ({ subagents: { pool: { maxThreads: v } } }), "subagents.pool.maxThreads", 1, 64],
    [(v) => ({ subagents: { pool: { runsPerThread: v } } }), "subagents.pool.runsPerThread", 1, 4096],
    [(v) => ({ subagents: { pool: { idleTimeoutMs: v } } }), "subagents.pool.idleTimeoutMs", 30_000, 2_147_483_647],
    [(v) => ({ subagents: { pool: { maxQueue: v } } }), "subagents.pool.maxQueue", 1, 1_000_000],
    [(v) => ({ subagents: { pool: { heapMb: v } } }), "subagents.pool.heapMb", 64, 16_384],
    [(v) => ({ subagents: { pool: { nice: v } } }), "subagents.pool.nice", 0, 19],
    [(v) => ({ subagents: { grace: { abortMs: v } } }), "subagents.grace.abortMs", 0, 600_000],
    [
      (v) => ({ agents: { defaults: { subagents: { maxSpawnDepth: v } } } }),
      "agents.defaults.subagents.maxSpawnDepth",
      1,
      5,
    ],
    [
      (v) => ({ agents: { defaults: { subagents: { maxChildrenPerAgent: v } } } }),
      "agents.defaults.subagents.maxChildrenPerAgent",
      1,
      20,
    ],
  ];

  it.each(ranges)("%s holds exactly %s from %i to %i", (make, path, min, max) => {
    fc.assert(
      fc.property(
        fc.oneof(fc.integer({ min: min - 50, max: max + 50 }), fc.constantFrom(min - 1, min, max, max + 1)),
        (value) => {
          const issues = issuesOf(make(value));
          if (value >= min && value <= max) expect(issues).toEqual([]);
          else expect(issues).toEqual([{ path, message: expect.stringContaining(`from ${min} to ${max}`) as string }]);
        },
      ),
    );
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.boolean(), fc.constantFrom(null, min + 0.5, NaN, Infinity)), (value) => {
        expect(issuesOf(make(value)).map((issue) => issue.path)).toEqual([path]);
      }),
    );
  });

  it("never throws anything but a ConfigError, whatever it is handed", () => {
    fc.assert(
      fc.property(
        fc.anything(),
        fc.constantFrom("subagents", "agents", "models", "tools", "gateway", "plugins"),
        (value, key) => {
          for (const raw of [value, { [key]: value }]) {
            try {
              parseConfig(raw);
            } catch (error) {
              expect(error).toBeInstanceOf(ConfigError);
            }
          }
        },
      ),
    );
  });
});

describe("agents", () => {
  it("are read from a list, with the default one marked, ids in lower case and ~ expanded", () => {
    const { agents } = parseConfig({
      agents: {
        defaults: { workspace: "~/work", thinkingDefault: "ultra" },
        list: [
          { id: "Main", model: "a/b" },
          {
            id: "coder",
            default: true,
            name: "Coder",
            workspace: "~",
            model: { primary: "a/c", fallbacks: ["a/d"] },
            thinkingDefault: "adaptive",
            subagents: { allowAgents: ["Main", "*"], model: "a/e", thinking: "high", requireAgentId: true },
          },
        ],
      },
    });
    expect(agents.defaultAgentId).toBe("coder");
    expect(agents.defaults).toMatchObject({ workspace: join(homedir(), "work"), thinking: "max" });
    expect(agents.list).toEqual({
      main: { id: "main", model: { primary: "a/b", fallbacks: [] }, subagents: {}, tools: {} },
      coder: {
        id: "coder",
        name: "Coder",
        workspace: homedir(),
        model: { primary: "a/c", fallbacks: ["a/d"] },
        subagents: {
          allowAgents: ["main", "*"],
          model: { primary: "a/e", fallbacks: [] },
          thinking: "high",
          requireAgentId: true,
        },
        tools: {},
      },
    });
  });

  it("are read from entries by id, as 2026.9.6 writes them", () => {
    const { agents } = parseConfig({ agents: { entries: { research: { name: "R" }, ops: {} } } });
    expect(Object.keys(agents.list).sort()).toEqual(["main", "ops", "research"]);
    expect(agents.defaultAgentId).toBe("research");
  });

  it.each([
    [{ list: [{ name: "x" }] }, "agents.list[0].id"],
    [{ list: [{ id: "../x" }] }, "agents.list[0].id"],
    [{ list: [{ id: "x" }, { id: "X" }] }, "agents.list[1].id"],
    [{ list: [{ id: "x" }], entries: { x: {} } }, "agents.entries.x"],
    [{ list: {} }, "agents.list"],
  ])("need ids of their own: %j", (agents, path) => {
    expect(issuesOf({ agents }).map((issue) => issue.path)).toEqual([path]);
  });

  it("accept every key of agents.defaults.subagents that either OpenClaw knows", () => {
    const subagents = {
      maxConcurrent: 3,
      maxSpawnDepth: 5,
      maxChildrenPerAgent: 20,
      runTimeoutSeconds: 900,
      archiveAfterMinutes: 0,
      announceTimeoutMs: 90_000,
      model: "a/b",
      thinking: "low",
      requireAgentId: true,
      allowAgents: ["*"],
      delegationMode: "prefer",
    };
    const { delegationMode: _unused, ...used } = subagents;
    expect(parseConfig({ agents: { defaults: { subagents } } }).agents.defaults.subagents).toEqual({
      ...used,
      model: { primary: "a/b", fallbacks: [] },
    });
  });
});

describe("tools", () => {
  it.each([
    [undefined, false],
    [{}, false],
    [{ security: "full" }, false],
    [{ ask: "off" }, false],
    [{ security: "full", ask: "on-miss" }, false],
    [{ security: "allowlist", ask: "off" }, false],
    [{ security: "full", ask: "off" }, true],
    [{ mode: "full" }, true],
    [{ mode: "auto" }, false],
    [{ mode: "ask", security: "full", ask: "off" }, false],
    [{ mode: "full", ask: "always" }, false],
  ])("run commands only where nobody is to be asked: %j → %s", (exec, allowed) => {
    expect(parseConfig({ tools: { exec } }).tools.execAllowed).toBe(allowed);
  });

  it("are denied to an agent that tightens what holds for all", () => {
    const { agents } = parseConfig({
      tools: { exec: { security: "full", ask: "off" }, deny: ["browser"] },
      agents: { list: [{ id: "safe", tools: { exec: { security: "deny" }, deny: ["group:fs"] } }] },
    });
    expect(agents.list["main"]?.tools).toEqual({ deny: ["browser"] });
    expect(agents.list["safe"]?.tools.deny).toEqual(expect.arrayContaining(["browser", "read", "write", "exec"]));
  });

  it("are narrowed by every allow list and profile there is", () => {
    const { agents } = parseConfig({
      tools: { profile: "coding", allow: ["group:fs", "sessions_*"] },
      agents: {
        list: [
          { id: "a", tools: { allow: ["read", "exec", "sessions_spawn"] } },
          { id: "b", tools: { profile: "minimal", alsoAllow: ["read"] } },
        ],
      },
    });
    expect(agents.list["a"]?.tools.allow?.sort()).toEqual(["read", "sessions_spawn"]);
    expect(agents.list["b"]?.tools.allow).toEqual(["read"]);
  });

  it("of subagents keep their own lists, groups opened", () => {
    expect(
      parseConfig({ tools: { subagents: { tools: { deny: ["group:runtime", "Cron"] } } } }).tools.subagents,
    ).toEqual({
      deny: ["exec", "process", "cron"],
    });
  });
});

describe("a model's silence", () => {
  const config = (timeoutSeconds?: number, whole?: number) => ({
    agents: { defaults: { model: "local/x", timeoutSeconds: whole } },
    models: { providers: { local: { baseUrl: "http://127.0.0.1:1/v1", timeoutSeconds } } },
  });
  it.each([
    [config(), 120],
    [config(300), 120],
    [config(300, 60), 60],
    [config(undefined, 0), 120],
  ])("is bounded by the limit of a run: %j → %i", (raw, seconds) => {
    expect(parseConfig(raw).agents.defaults.modelIdleTimeoutSeconds).toBe(seconds);
  });

  it("is its provider's own where that is set", () => {
    expect(parseConfig(config(300)).models.providers["local"]?.timeoutSeconds).toBe(300);
  });
});

it("reads the config that onboarding writes", () => {
  const config = parseConfig({
    wizard: {
      lastRunAt: "2026-04-02T10:00:00.000Z",
      lastRunVersion: "2026.4.1",
      lastRunCommand: "onboard",
      lastRunMode: "local",
    },
    meta: { lastTouchedVersion: "2026.4.1" },
    auth: { profiles: { "anthropic:default": { provider: "anthropic", mode: "api_key" } } },
    agents: {
      defaults: {
        model: { primary: "anthropic/claude-opus-4-6" },
        models: { "anthropic/claude-opus-4-6": { alias: "Opus" } },
        workspace: "~/.openclaw/workspace",
        compaction: { mode: "safeguard" },
        maxConcurrent: 4,
        subagents: { maxConcurrent: 8 },
      },
    },
    tools: { profile: "coding" },
    messages: { ackReactionScope: "group-mentions" },
    commands: { native: "auto", nativeSkills: "auto" },
    session: { dmScope: "per-channel-peer" },
    hooks: { internal: { enabled: true } },
    gateway: {
      port: 18789,
      mode: "local",
      bind: "loopback",
      auth: { mode: "token", token: "secret" },
      tailscale: { mode: "off", resetOnExit: false },
      nodes: { denyCommands: ["camera.snap"] },
    },
    skills: { install: { nodeManager: "npm" } },
  });
  expect(config.agents.defaults.model).toEqual({ primary: "anthropic/claude-opus-4-6", fallbacks: [] });
  expect(config.agents.defaults.modelAliases).toEqual({ opus: "anthropic/claude-opus-4-6" });
  expect(config.agents.defaults.workspace).toBe(join(homedir(), ".openclaw", "workspace"));
});

function issuesOf(raw: unknown) {
  try {
    parseConfig(raw);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return [...error.issues];
    throw error;
  }
}
