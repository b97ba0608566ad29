import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { parseConfig } from "../../src/config.ts";
import { isKeptBack, listsWithin, toolFilter, workerTools, type ToolQuestion } from "../../src/policy/tool-policy.ts";

describe("the tools of a child's thread", () => {
  it("are all but exec when nothing is said", () => {
    expect(workersOf({})).toEqual(["read", "write", "edit", "list", "find", "search"]);
  });

  it("have exec where the config opens it", () => {
    expect(workersOf({ tools: OPEN })).toContain("exec");
    expect(workersOf({ tools: { ...OPEN, subagents: { tools: { deny: ["exec"] } } } })).not.toContain("exec");
  });

  it("are those that every list lets through: the agent's, the config's for subagents, the spawn's", () => {
    const config = {
      tools: { subagents: { tools: { allow: ["read", "write", "list"] } } },
      agents: { list: [{ id: "main", tools: { allow: ["read", "write", "find"] } }] },
    };
    expect(workersOf(config)).toEqual(["read", "write"]);
    expect(workersOf(config, { allow: ["read", "list"] })).toEqual(["read"]);
  });

  it("are allowed by alsoAllow beside allow, and limited by neither of them alone when only alsoAllow is there", () => {
    const lists = (tools: object) => workersOf({ tools: { subagents: { tools } } });
    expect(lists({ allow: ["read"], alsoAllow: ["find"] })).toEqual(["read", "find"]);
    expect(lists({ alsoAllow: ["find"] })).toContain("write");
  });

  it("aren't given back by an allow list what a deny list takes", () => {
    expect(workersOf({ tools: { subagents: { tools: { allow: ["read", "find"], deny: ["read"] } } } })).toEqual([
      "find",
    ]);
    expect(workersOf({}, { allow: ["read", "find"], deny: ["fin*"] })).toEqual(["read"]);
  });

  it("are read from a spawn's lists as from the config's: groups opened, in any case", () => {
    expect(workersOf({}, { deny: ["group:fs"] })).toEqual([]);
    expect(workersOf({}, { allow: ["Read", " FIND "], deny: ["Fi*"] })).toEqual(["read"]);
  });

  it("may be named as every object's own parts are, as constructor is", () => {
    expect(workersOf({}, { allow: ["constructor", "read"] })).toEqual(["read"]);
    expect(workersOf({ tools: { deny: ["constructor", "read"] } })).toEqual([
      "write",
      "edit",
      "list",
      "find",
      "search",
    ]);
  });

  it("are never more than the requester has", () => {
    expect(workersOf({}, { within: ["read", "lookup"] })).toEqual(["read"]);
    expect(workersOf({}, { within: [] })).toEqual([]);
  });

  it("are under tools.subagents.tools for a child alone", () => {
    const config = { tools: { subagents: { tools: { allow: ["read"] } } } };
    expect(workersOf(config, { kind: "main" })).toContain("write");
  });
});

it("a tool on the host is let through by the same lists", () => {
  const config = parseConfig({ tools: { subagents: { tools: { deny: ["web_*"] } } } });
  const permitted = toolFilter(config, { agentId: "main", kind: "child", within: ["web_search", "lookup"] });
  expect(["lookup", "web_search", "notes"].map(permitted)).toEqual([true, false, false]);
});

it("a tool on the host is denied in whatever case its name is written", () => {
  const config = parseConfig({ tools: { subagents: { tools: { deny: ["lookUp"] } } } });
  expect(toolFilter(config, { agentId: "main", kind: "child" })("lookUp")).toBe(false);
});

describe("lists within others", () => {
  it("deny what either denies, and allow what both allow", () => {
    const above = { allow: ["group:fs", "web_*"], deny: ["exec"] };
    expect(listsWithin(above, { deny: ["cron", "exec"] })).toEqual({ ...above, deny: ["exec", "cron"] });
    expect(listsWithin(above, { allow: ["read", "web_fetch", "cron"] }).allow).toEqual(["read", "web_fetch"]);
    expect(listsWithin({}, { allow: ["group:fs"] })).toEqual({ allow: ["group:fs"] });
    expect(listsWithin(above, { allow: [] }).allow).toEqual([]);
    expect(listsWithin({}, {})).toEqual({});
  });

  it("let nothing through that one of them doesn't", () => {
    const lists = fc.array(fc.constantFrom("read", "WRITE", "re*", "*", "group:fs", "group:sessions", "sessions_*"));
    const both = fc.record({ allow: fc.option(lists, { nil: undefined }), deny: fc.option(lists, { nil: undefined }) });
    const config = parseConfig({});
    const ofChild = (own: object) => toolFilter(config, { agentId: "main", kind: "child", ...own });
    fc.assert(
      fc.property(both, both, fc.constantFrom("read", "write", "edit", "sessions_list", "exec"), (above, own, name) => {
        const each = [above, own].every((list) => ofChild(list)(name));
        expect(ofChild(listsWithin(above, own))(name)).toBe(each);
      }),
    );
  });
});

describe("a tool of the host", () => {
  const ALWAYS = ["gateway", "agents_list", "whatsapp_login", "session_status", "cron", "sessions_send"];
  const FROM_9 = ["message", "progress_card", "conversations_list", "conversations_turn"];
  const FOR_CHILDREN = ["subagents", "sessions_list", "sessions_history", "sessions_spawn"];
  const OTHERS = ["lookup", "sessions_yield", "messages", "my_message", "cronjob", "conversation", "gateways"];
  const all = [...ALWAYS, ...FROM_9, ...FOR_CHILDREN, ...OTHERS];

  it.each([
    ["2026.4.1", "orchestrator", ALWAYS],
    ["2026.4.1", "leaf", [...ALWAYS, ...FOR_CHILDREN]],
    ["2026.9.6", "orchestrator", [...ALWAYS, ...FROM_9]],
    ["2026.9.6", "leaf", [...ALWAYS, ...FROM_9, ...FOR_CHILDREN]],
  ] as const)("is kept back, by the rules of %s from a child that is %s: %j", (rules, role, kept) => {
    expect(all.filter(isKeptBack({ rules }, role))).toEqual(kept);
  });

  it("is kept back however its name is written", () => {
    expect(["Gateway", " cron ", "CONVERSATIONS_send"].map(isKeptBack({ rules: "2026.9.6" }, "orchestrator"))).toEqual([
      true,
      true,
      true,
    ]);
  });
});

function workersOf(config: object, question: Partial<ToolQuestion> = {}): string[] {
  return workerTools(parseConfig(config), { agentId: "main", kind: "child", ...question });
}

const OPEN = { exec: { security: "full", ask: "off" } };
