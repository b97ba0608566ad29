import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { parseConfig } from "../../src/config.ts";
import {
  groupFull,
  isRefusal,
  laneFull,
  planSpawn,
  requesterEnded,
  tooManyChildren,
  type Refusal,
  type SpawnPlan,
} from "../../src/policy/spawn-policy.ts";
import type { Isolation, Requester, SpawnParams } from "../../src/types.ts";

type Asked = {
  params?: Partial<SpawnParams>;
  requester?: Partial<Requester>;
  depth?: number;
  limits?: Record<string, unknown>;
  /** The requester's agent and others. */
  list?: Record<string, unknown>[];
  subagents?: Record<string, unknown>;
};

describe("a spawn that goes ahead", () => {
  test("is one of the requester's own agent in a shared thread, with no limit of time, when nothing is said", () => {
    expect(plan({})).toEqual({ agentId: "main", depth: 1, role: "orchestrator", isolation: "thread", timeoutMs: 0 });
  });

  test("makes an orchestrator as long as there is room below it, at every depth", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5 }), fc.nat(6), (maxSpawnDepth, depth) => {
        const answer = plan({ depth, limits: { maxSpawnDepth } });
        if (depth >= maxSpawnDepth) {
          const both = new RegExp(`depth ${depth} .*maxSpawnDepth is ${maxSpawnDepth}[^0-9]`);
          expect(answer).toMatchObject({ status: "forbidden", code: "spawn_forbidden", message: matching(both) });
        } else {
          const role = depth + 1 < maxSpawnDepth ? "orchestrator" : "leaf";
          expect(answer).toMatchObject({ depth: depth + 1, role });
        }
      }),
    );
  });

  test("has the time that it asks for, in whole seconds, else the config's, and 0 is none", () => {
    const timeOf = (asked: Asked) => (plan(asked) as SpawnPlan).timeoutMs;
    const limits = { runTimeoutSeconds: 90 };
    expect(timeOf({ limits })).toBe(90_000);
    expect(timeOf({ limits, params: { runTimeoutSeconds: 5 } })).toBe(5_000);
    expect(timeOf({ limits, params: { runTimeoutSeconds: 0 } })).toBe(0);
    expect(timeOf({ params: { runTimeoutSeconds: 1.999 } })).toBe(1_000);
    expect(timeOf({ params: { runTimeoutSeconds: 0.5 } })).toBe(0);
  });

  test("may be isolated more than the config says and never less", () => {
    const levels: Isolation[] = ["thread", "dedicated", "process"];
    for (const configured of levels) {
      for (const asked of [undefined, ...levels]) {
        const answer = plan({
          subagents: { isolation: configured },
          params: asked === undefined ? {} : { isolation: asked },
        });
        const stricter = levels[Math.max(levels.indexOf(configured), asked === undefined ? 0 : levels.indexOf(asked))];
        if (stricter === "process") {
          expect(answer).toMatchObject({
            status: "error",
            code: "isolation_unavailable",
            message: matching(/`process`.*`dedicated` or `thread`/),
          });
        } else expect(answer).toMatchObject({ isolation: stricter });
      }
    }
  });
});

describe("the agent of a spawn", () => {
  const ghost = { id: "main", subagents: { allowAgents: ["helper", "ghost"] } };
  const others = [{ id: "helper" }, { id: "writer" }];

  test("is the requester's own without a word, whatever the allowlist says", () => {
    expect(plan({ params: { agentId: "main" } })).toMatchObject({ agentId: "main" });
    const asWriter = { requester: { agentId: "writer" }, list: [{ id: "main" }, ...others] };
    expect(plan(asWriter)).toMatchObject({ agentId: "writer" });
    expect(plan({ ...asWriter, params: { agentId: "writer" } })).toMatchObject({ agentId: "writer" });
    // A host may know agents that the config doesn't.
    expect(plan({ ...asWriter, requester: { agentId: "ghost" } })).toMatchObject({ agentId: "ghost" });
  });

  test("is another where the allowlist has it, and refused with the list where it hasn't", () => {
    const asked = (agentId: string) => plan({ params: { agentId }, list: [ghost, ...others] });
    expect(asked("helper")).toMatchObject({ agentId: "helper" });
    expect(asked("writer")).toMatchObject(forbidden(/writer isn't in allowAgents of main \(allowed: helper, ghost\)/));
    expect(asked("nobody")).toMatchObject(forbidden(/nobody isn't in allowAgents of main \(allowed: helper, ghost\)/));
    expect(asked("ghost")).toMatchObject(forbidden(/ghost is allowed but not configured.*agents\.list/));
    const none = plan({ params: { agentId: "helper" }, list: [{ id: "main" }, ...others] });
    expect(none).toMatchObject(forbidden(/helper isn't in allowAgents of main \(allowed: none\)/));
  });

  test("is any that is configured where the list says *, and the answer names those", () => {
    const any = { list: [{ id: "main", subagents: { allowAgents: ["*"] } }, ...others] };
    expect(plan({ ...any, params: { agentId: "writer" } })).toMatchObject({ agentId: "writer" });
    expect(plan({ ...any, params: { agentId: "ghost" } })).toMatchObject(
      forbidden(/ghost isn't configured \(configured: main, helper, writer\)/),
    );
    for (const name of ["constructor", "toString", "__proto__"])
      expect(plan({ ...any, params: { agentId: name } })).toMatchObject({ status: "forbidden" });
  });

  test("is the business of the requester's own list before the defaults'", () => {
    const limits = { allowAgents: ["helper"] };
    const asked = (own: object) =>
      plan({ limits, params: { agentId: "helper" }, list: [{ id: "main", ...own }, ...others] });
    expect(asked({})).toMatchObject({ agentId: "helper" });
    expect(asked({ subagents: { allowAgents: [] } })).toMatchObject(forbidden(/allowed: none/));
  });

  test("must be named where the config asks for that, the agent's own word before the defaults'", () => {
    const required = forbidden(/requireAgentId/);
    expect(plan({ limits: { requireAgentId: true } })).toMatchObject(required);
    expect(plan({ limits: { requireAgentId: true }, params: { agentId: "main" } })).toMatchObject({ agentId: "main" });
    const own = (requireAgentId: boolean) => [{ id: "main", subagents: { requireAgentId } }];
    expect(plan({ list: own(true) })).toMatchObject(required);
    expect(plan({ limits: { requireAgentId: true }, list: own(false) })).toMatchObject({ agentId: "main" });
  });
});

describe("a spawn out of a sandbox", () => {
  test("is refused but where OpenClaw's runner puts children into it too", () => {
    expect(plan({ requester: { sandboxed: true } })).toMatchObject(forbidden(/sandboxed.*do the work here/));
    expect(plan({ requester: { sandboxed: true }, subagents: { engine: "openclaw" } })).toMatchObject({ depth: 1 });
    expect(plan({ requester: { sandboxed: false } })).toMatchObject({ depth: 1 });
  });
});

describe("a refusal", () => {
  test("is told from a plan, and says with both numbers what is full", () => {
    expect(isRefusal(plan({}))).toBe(false);
    expect(isRefusal(plan({ depth: 9 }))).toBe(true);
    expect(tooManyChildren(5, 4)).toMatchObject(forbidden(/^This session has 5 active .*maxChildrenPerAgent is 4;/));
    expect(laneFull(7, 6)).toMatchObject(forbidden(/^7 subagents are waiting .*maxQueue is 6;/));
    expect(requesterEnded()).toMatchObject(forbidden(/run has ended/));
    const [ever, now] = [groupFull("a", 3, 2, true), groupFull("a", 3, 2, false)];
    expect(ever).toMatchObject(forbidden(/^The group a has had 3 .*maxTotalPerGroup is 2;/));
    expect(now).toMatchObject(forbidden(/^The group a has 3 .*maxChildrenPerGroup is 2;.*agents_wait/));
    for (const refusal of [tooManyChildren(5, 4), laneFull(7, 6), requesterEnded(), ever, now])
      expect(isRefusal(refusal)).toBe(true);
  });
});

function plan({
  params = {},
  requester = {},
  depth = 0,
  limits = {},
  list = [],
  subagents = {},
}: Asked): SpawnPlan | Refusal {
  const config = parseConfig({
    agents: { defaults: { subagents: limits }, list },
    subagents: { engine: "pi", ...subagents },
  });
  return planSpawn(config, { task: "x", ...params }, { agentId: "main", ...requester }, depth);
}

function forbidden(sentence: RegExp) {
  return { status: "forbidden", code: "spawn_forbidden", message: matching(sentence) };
}

function matching(sentence: RegExp): string {
  return expect.stringMatching(sentence) as string;
}
