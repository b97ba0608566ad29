import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { childConfig } from "../../../../src/worker/engines/openclaw/child-config.ts";

type Lists = { allow?: string[]; alsoAllow?: string[]; deny?: string[] };

describe("the config of a child's run", () => {
  it("is the gateway's very own object when the spawn brings no lists", () => {
    const config = { tools: { subagents: { tools: { deny: ["exec"] } } } };
    expect(childConfig(config, { role: role("leaf") })).toBe(config);
  });

  it("keeps the user's denials beside the spawn's", () => {
    expect(lists({ deny: ["exec"] }, { toolsDeny: ["web_*"] })).toEqual({ deny: ["exec", "web_*"] });
  });

  it("lets a spawn's allow list narrow the user's, through patterns and groups", () => {
    const narrowed = lists(
      { allow: ["group:fs", "web_*"], alsoAllow: ["exec"] },
      { toolsAllow: ["read", "web_fetch", "exec", "cron"] },
    );
    expect(narrowed.allow).toEqual(["read", "web_fetch", "exec"]);
    expect(narrowed).not.toHaveProperty("alsoAllow");
  });

  it("names no tool when the two lists have nothing in common, for an empty list would allow all", () => {
    expect(lists({ allow: ["read"] }, { toolsAllow: ["exec"] }).allow).toEqual(["openclaw-inprocess:none"]);
    expect(lists({}, { toolsAllow: [] }).allow).toEqual(["openclaw-inprocess:none"]);
  });

  it("gives a leaf no spawn tool by a spawn's own list, and leaves it to an orchestrator", () => {
    expect(lists({}, { toolsAllow: ["sessions_spawn"] }).deny).toContain("sessions_spawn");
    expect(lists({}, { toolsAllow: ["sessions_spawn"] }, "orchestrator").deny).not.toContain("sessions_spawn");
    expect(lists({}, { toolsAllow: ["gateway"] }, "orchestrator").deny).toContain("gateway");
  });

  it("leaves what the user gives subagents in so many words", () => {
    expect(lists({ alsoAllow: ["cron"] }, { toolsAllow: ["cron", "read"] }).deny).not.toContain("cron");
  });

  it("is made in no time of patterns with many stars, and hands OpenClaw no two in a row", () => {
    const [many, long] = [`${"*".repeat(100)}!`, "x".repeat(10_000)];
    const made = lists({ allow: [long, "*"] }, { toolsAllow: [many, "web_**"], toolsDeny: [many] });
    expect(made.allow).toEqual(["*!", "web_*"]);
    expect(made.deny).toContain("*!");
  });

  it("never allows by a spawn's list what the user's leaves out, and never loses a denial", () => {
    const names = fc.subarray(["read", "write", "exec", "web_fetch", "sessions_spawn", "cron"]);
    fc.assert(
      fc.property(names, names, names, names, (allow, deny, toolsAllow, toolsDeny) => {
        const made = lists({ allow, deny }, { toolsAllow, toolsDeny });
        expect(made.allow!.every((name) => name === "openclaw-inprocess:none" || allow.includes(name))).toBe(true);
        expect(made.allow!.every((name) => name === "openclaw-inprocess:none" || toolsAllow.includes(name))).toBe(true);
        expect(made.deny).toEqual(expect.arrayContaining([...deny, ...toolsDeny]));
      }),
    );
  });
});

function lists(
  configured: Lists,
  spawn: { toolsAllow?: string[]; toolsDeny?: string[] },
  kind: "leaf" | "orchestrator" = "leaf",
): Lists {
  const config = { tools: { profile: "coding", subagents: { tools: configured } } };
  const made = childConfig(config, { ...spawn, role: role(kind) }) as typeof config;
  expect(made.tools.profile).toBe("coding");
  expect(config.tools.subagents.tools).toBe(configured);
  return made.tools.subagents.tools;
}

function role(kind: "leaf" | "orchestrator") {
  return { kind, depth: 1, maxDepth: 2 };
}
