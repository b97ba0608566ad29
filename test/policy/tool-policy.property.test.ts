import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { parseConfig } from "../../src/config.ts";
import { isKeptBack, listsWithin, toolFilter, workerTools, type ToolQuestion } from "../../src/policy/tool-policy.ts";

/** Few letters, so that patterns and names often meet; what means something in an expression among them. */
const name = fc.string({ unit: fc.constantFrom("a", "b", ".", "+", "_", "("), minLength: 1, maxLength: 6 });
const entry = fc.oneof(name, fc.string({ unit: fc.constantFrom("a", "b", ".", "*", "("), minLength: 1, maxLength: 6 }));
const list = fc.option(fc.array(entry, { maxLength: 4 }), { nil: undefined });
const lists: fc.Arbitrary<Lists> = fc.record({ allow: list, deny: list });

describe("whether a tool may be offered", () => {
  test("is what every list says, the agent's, the config's for subagents, the spawn's and the requester's", () => {
    fc.assert(
      fc.property(lists, lists, lists, list, name, (agent, children, own, within, tool) => {
        const config = parseConfig({
          tools: { subagents: { tools: given(children) } },
          agents: { list: [{ id: "main", tools: given(agent) }] },
        });
        const question: ToolQuestion = { agentId: "main", kind: "child", ...given(own), within };
        const all = [agent, children, own, { allow: within, deny: undefined }];
        expect(toolFilter(config, question)(tool)).toBe(all.every((one) => permits(one, tool)));
        // A main session isn't held to what the config says of subagents.
        const main = toolFilter(config, { ...question, kind: "main" })(tool);
        expect(main).toBe([agent, own, { allow: within, deny: undefined }].every((one) => permits(one, tool)));
      }),
      { numRuns: 500 },
    );
  });

  test("doesn't depend on how a name is written", () => {
    const config = parseConfig({});
    fc.assert(
      fc.property(lists, name, fc.constantFrom(" ", "\t", ""), (own, tool, space) => {
        const permitted = toolFilter(config, { agentId: "main", kind: "child", ...given(own) });
        expect(permitted(`${space}${tool.toUpperCase()}${space}`)).toBe(permitted(tool));
        const shouted = { allow: own.allow?.map((one) => one.toUpperCase()), deny: own.deny?.map((one) => ` ${one} `) };
        const same = toolFilter(config, { agentId: "main", kind: "child", ...given(shouted) });
        expect(same(tool)).toBe(permitted(tool));
      }),
    );
  });

  test("is the same for an agent that the config doesn't know as for one of which it says nothing", () => {
    const permitted = toolFilter(parseConfig({}), { agentId: "nobody", kind: "child" });
    expect(["read", "anything"].map(permitted)).toEqual([true, true]);
  });
});

describe("the tools of a thread", () => {
  test("are those of the six, and exec where the config opens it, that may be offered, in their order", () => {
    const tool = fc.constantFrom("read", "write", "edit", "list", "find", "search", "exec", "lookup", "*", "e*");
    const own = fc.record({
      allow: fc.option(fc.array(tool), { nil: undefined }),
      deny: fc.option(fc.array(tool), { nil: undefined }),
    });
    fc.assert(
      fc.property(own, fc.boolean(), (asked, opened) => {
        const config = parseConfig(opened ? { tools: { exec: { security: "full", ask: "off" } } } : {});
        const question: ToolQuestion = { agentId: "main", kind: "child", ...given(asked) };
        const all = ["read", "write", "edit", "list", "find", "search", ...(opened ? ["exec"] : [])];
        expect(workerTools(config, question)).toEqual(all.filter(toolFilter(config, question)));
      }),
    );
  });
});

describe("a spawn's lists within its requester's", () => {
  test("deny what either denies, each name once, and allow nothing that one of them doesn't", () => {
    fc.assert(
      fc.property(lists, lists, name, (above, own, tool) => {
        const both = listsWithin(above, own);
        expect(both.deny ?? []).toEqual([...new Set([...(above.deny ?? []), ...(own.deny ?? [])])]);
        expect("allow" in both).toBe(above.allow !== undefined || own.allow !== undefined);
        expect("deny" in both).toBe((both.deny ?? []).length > 0);
        const each = permits(above, tool) && permits(own, tool);
        if (permits(both, tool)) expect(each).toBe(true);
        // Of two patterns that overlap in part nothing is left; else it is exactly what both let through.
        const isPlain = [above, own].some(({ allow = [] }) => !allow.some((one) => one.includes("*")));
        if (isPlain) expect(permits(both, tool)).toBe(each);
      }),
      { numRuns: 500 },
    );
  });

  test("are narrowed once more at every depth and never widened again", () => {
    fc.assert(
      fc.property(fc.array(lists, { minLength: 1, maxLength: 5 }), name, (depths, tool) => {
        const last = depths.reduce((above: Lists, own) => listsWithin(above, own), {});
        if (depths.some((one) => !permits(one, tool))) expect(permits(last, tool)).toBe(false);
      }),
      { numRuns: 300 },
    );
  });
});

test("a host's tool is kept from a leaf whenever it is kept from an orchestrator, and by the later rules whenever by the earlier", () => {
  const anyName = fc.oneof(
    fc.constantFrom(
      "gateway",
      "cron",
      "message",
      "conversations_x",
      "subagents",
      "sessions_spawn",
      "sessions_send",
      "read",
    ),
    fc.string(),
  );
  fc.assert(
    fc.property(anyName, (tool) => {
      const kept = (rules: "2026.4.1" | "2026.9.6", role: "leaf" | "orchestrator") => isKeptBack({ rules }, role)(tool);
      for (const rules of ["2026.4.1", "2026.9.6"] as const)
        if (kept(rules, "orchestrator")) expect(kept(rules, "leaf")).toBe(true);
      for (const role of ["leaf", "orchestrator"] as const)
        if (kept("2026.4.1", role)) expect(kept("2026.9.6", role)).toBe(true);
    }),
  );
});

type Lists = { allow?: string[] | undefined; deny?: string[] | undefined };

/** Without the names of what isn't given: a config refuses those. */
function given({ allow, deny }: Lists): { allow?: string[]; deny?: string[] } {
  return { ...(allow && { allow }), ...(deny && { deny }) };
}

/** The rule said another way: letter by letter, without an expression. */
function permits({ allow, deny }: Lists, tool: string): boolean {
  if (deny?.some((one) => fits(one, tool))) return false;
  return allow === undefined || allow.some((one) => fits(one, tool));
}

function fits(pattern: string, tool: string): boolean {
  if (pattern === "") return tool === "";
  if (pattern[0] === "*") return fits(pattern.slice(1), tool) || (tool !== "" && fits(pattern, tool.slice(1)));
  return pattern[0] === tool[0] && fits(pattern.slice(1), tool.slice(1));
}
