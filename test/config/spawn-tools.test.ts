import { describe, expect, it } from "vitest";

import { parseConfig, type SwarmConfig } from "../../src/config.ts";
import { ConfigError } from "../../src/errors.ts";

const DEFAULTS: SwarmConfig = parseConfig({}).tools.swarm;

describe("tools.swarm", () => {
  it.each<[unknown, Partial<SwarmConfig>]>([
    [true, {}],
    [{}, {}],
    [false, { enabled: false }],
    [
      { enabled: false, maxConcurrent: 3 },
      { enabled: false, maxConcurrent: 3 },
    ],
    [{ maxTotalPerGroup: 5, defaultAgentId: "" }, { maxTotalPerGroup: 5 }],
    [{ defaultAgentId: "Worker" }, { defaultAgentId: "worker" }],
  ])("is on unless it is turned off, its limits as set: %j", (swarm, changed) => {
    expect(parseConfig({ tools: { swarm } }).tools.swarm).toEqual({ ...DEFAULTS, ...changed });
  });

  it.each<[unknown, unknown, Partial<SwarmConfig> | undefined]>([
    [{ maxConcurrent: 3 }, undefined, undefined],
    [{ maxConcurrent: 3, maxTotalPerGroup: 9 }, { maxTotalPerGroup: 5 }, { maxConcurrent: 3, maxTotalPerGroup: 5 }],
    [false, true, {}],
    [false, { enabled: true }, {}],
    [false, { maxConcurrent: 3 }, { enabled: false, maxConcurrent: 3 }],
    [{ maxConcurrent: 3 }, false, { enabled: false, maxConcurrent: 3 }],
    [{ defaultAgentId: "worker" }, { defaultAgentId: "" }, {}],
  ])("%j is overridden by an agent's own %j", (swarm, own, changed) => {
    const agent = { id: "main", tools: { swarm: own } };
    const { id: _key, ...entry } = agent;
    for (const agents of [{ list: [agent] }, { entries: { main: entry } }]) {
      const expected = changed && { ...DEFAULTS, ...changed };
      expect(parseConfig({ tools: { swarm }, agents }).agents.list["main"]!.tools.swarm).toEqual(expected);
    }
  });
});

describe("what can't be right is refused with its path", () => {
  it.each<[object, string, RegExp]>([
    [{ swarm: "yes" }, "tools.swarm", /must be true, false or an object, not "yes"/],
    [{ swarm: [] }, "tools.swarm", /true, false or an object/],
    [{ swarm: { maxConcurrent: 0 } }, "tools.swarm.maxConcurrent", /from 1 to 1000, not 0/],
    [{ swarm: { maxChildrenPerGroup: 10_001 } }, "tools.swarm.maxChildrenPerGroup", /from 1 to 10000/],
    [{ swarm: { maxTotalPerGroup: 1.5 } }, "tools.swarm.maxTotalPerGroup", /whole number/],
    [{ swarm: { waitTimeoutSecondsMax: "60" } }, "tools.swarm.waitTimeoutSecondsMax", /\(seconds\), not "60"/],
    [{ swarm: { defaultAgentId: 5 } }, "tools.swarm.defaultAgentId", /id of an agent/],
    [{ swarm: { maxConcurent: 5 } }, "tools.swarm.maxConcurent", /did you mean "maxConcurrent"/],
    [{ swarn: { maxConcurrent: 5 } }, "tools.swarn", /did you mean "swarm"/],
    [{ sessions_spawn: { attachments: true } }, "tools.sessions_spawn.attachments", /must be an object/],
    [{ sessions_spawn: 5 }, "tools.sessions_spawn", /must be an object/],
    [attachments({ enabled: "yes" }), "tools.sessions_spawn.attachments.enabled", /true or false/],
    [attachments({ maxFiles: -1 }), "tools.sessions_spawn.attachments.maxFiles", /from 0 to 1000/],
    [attachments({ maxFileBytes: 2 ** 31 }), "tools.sessions_spawn.attachments.maxFileBytes", /\(bytes\)/],
    [attachments({ maxTotalBytes: NaN }), "tools.sessions_spawn.attachments.maxTotalBytes", /whole number/],
    [attachments({ maxFile: 5 }), "tools.sessions_spawn.attachments.maxFile", /did you mean "maxFiles"/],
    [{ sessions_spawn: { attachment: {} } }, "tools.sessions_spawn.attachment", /did you mean "attachments"/],
    [{ sesions_spawn: {} }, "tools.sesions_spawn", /did you mean "sessions_spawn"/],
  ])("%j", (tools, path, message) => {
    expect(issuesOf({ tools })).toEqual([{ path, message: expect.stringMatching(message) as string }]);
  });

  it("also where it stands at an agent", () => {
    const tools = { swarm: { maxConcurrent: 0 } };
    expect(issuesOf({ agents: { list: [{ id: "main", tools }] } })).toMatchObject([
      { path: "agents.list[0].tools.swarm.maxConcurrent" },
    ]);
    expect(issuesOf({ agents: { entries: { main: { tools: { swam: false } } } } })).toMatchObject([
      { path: "agents.entries.main.tools.swam", message: expect.stringContaining("swarm") as string },
    ]);
  });
});

function attachments(settings: object): object {
  return { sessions_spawn: { attachments: settings } };
}

function issuesOf(raw: unknown): ConfigError["issues"] {
  try {
    parseConfig(raw);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.issues;
    throw error;
  }
}
