import { describe, expect, it } from "vitest";

import { sandboxRefusal } from "../../../src/adapters/openclaw/sandbox.ts";

const MAIN = { sessionKey: "agent:main:main", agentId: "main" };
const CHAT = { sessionKey: "agent:main:porch:direct:alice", agentId: "main" };

describe("a child that a sandboxed session asks for", () => {
  it.each([
    ["without any setting", {}],
    ["with the mode off", agents("off")],
    ["with an agent's own setting of another thing", agents(undefined, { id: "main", sandbox: {} })],
  ])("may be started %s", (_, config) => {
    for (const engine of ["pi", "openclaw"]) expect(sandboxRefusal(config, engine, CHAT, "main")).toBeUndefined();
  });

  it.each(["non-main", "all"])("is in the sandbox too with OpenClaw's own runner and the mode %s", (mode) => {
    expect(sandboxRefusal(agents(mode), "openclaw", CHAT, "main")).toBeUndefined();
  });

  it("may not be of an agent that has none", () => {
    const config = agents("all", { id: "main" }, { id: "free", sandbox: { mode: "off" } });
    expect(sandboxRefusal(config, "openclaw", CHAT, "free")).toMatch(/session is sandboxed.*"free"/);
    const child = { sessionKey: "agent:main:subagent:1", agentId: "main" };
    expect(sandboxRefusal(config, "openclaw", child, "free")).toMatch(/session is sandboxed/);
    expect(sandboxRefusal(config, "openclaw", { sessionKey: "agent:free:main", agentId: "free" }, "main")).toBe(
      undefined,
    );
  });

  it("is refused for a session that the gateway calls sandboxed, whatever the configuration says", () => {
    expect(sandboxRefusal({}, "openclaw", { ...MAIN, sandboxed: true }, "main")).toMatch(/session is sandboxed/);
    const config = agents("all", { id: "main" }, { id: "free", sandbox: { mode: "off" } });
    expect(sandboxRefusal(config, "openclaw", { ...MAIN, sandboxed: false }, "free")).toBeUndefined();
  });

  it("is never left to an engine that knows no sandbox", () => {
    expect(sandboxRefusal(agents("all"), "pi", CHAT, "main")).toMatch(/"main" works in a sandbox/);
    // The session itself is free there; its child wouldn't be.
    expect(sandboxRefusal(agents("non-main"), "pi", MAIN, "main")).toMatch(/"main" works in a sandbox/);
    const config = agents("off", { id: "main" }, { id: "boxed", sandbox: { mode: "all" } });
    expect(sandboxRefusal(config, "pi", MAIN, "boxed")).toMatch(/"boxed" works in a sandbox/);
    expect(sandboxRefusal(config, "pi", MAIN, "main")).toBeUndefined();
  });
});

describe("a session", () => {
  const config = (session: object) => ({
    ...agents("non-main", { id: "main" }, { id: "free", sandbox: { mode: "off" } }),
    session,
  });

  it.each([
    ["agent:main:main", {}],
    ["agent:main:main", { mainKey: "work" }],
    ["agent:main:work", { mainKey: " Work " }],
    ["global", { scope: "global" }],
  ])("with the key %s and the setting %j is its agent's main one", (sessionKey, session) => {
    expect(sandboxRefusal(config(session), "openclaw", { sessionKey, agentId: "main" }, "free")).toBeUndefined();
  });

  it.each([
    ["agent:main:work", {}],
    ["agent:other:main", {}],
    ["agent:main:main:thread:1", {}],
    ["global", {}],
  ])("with the key %s and the setting %j isn't", (sessionKey, session) => {
    expect(sandboxRefusal(config(session), "openclaw", { sessionKey, agentId: "main" }, "free")).toBeDefined();
  });

  it("is found under its agent's id as OpenClaw writes it, in either version's list", () => {
    const requester = { sessionKey: "agent:my-agent:x", agentId: "my-agent" };
    const own = { sandbox: { mode: "all" } };
    const listed = agents("off", { id: "My Agent", ...own });
    const named = { agents: { entries: { "my-agent": own } } };
    for (const set of [listed, named]) expect(sandboxRefusal(set, "openclaw", requester, "main")).toBeDefined();
  });
});

function agents(mode: string | undefined, ...list: object[]) {
  return { agents: { defaults: mode === undefined ? {} : { sandbox: { mode } }, list } };
}
