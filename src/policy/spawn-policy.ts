/** Whether a spawn may go ahead, and as what: pure decisions over the config and what is known of the caller. */

import type { Config } from "../config.ts";
import type { Cause } from "../errors.ts";
import type { Isolation, Requester, SpawnParams } from "../types.ts";
import { allowedAgents } from "./allowed-agents.ts";
import { swarmOf } from "./swarm.ts";

export type SpawnPlan = {
  agentId: string;
  /** The child's depth; its requester's is one less. */
  depth: number;
  role: "orchestrator" | "leaf";
  isolation: Isolation;
  /** Milliseconds; 0 = none. */
  timeoutMs: number;
};

export type Refusal = { status: "forbidden" | "error" } & Cause;

/** @param depth the caller's depth: 0 for a main session */
export function planSpawn(
  config: Config,
  params: SpawnParams,
  requester: Pick<Requester, "agentId" | "sandboxed">,
  depth: number,
): SpawnPlan | Refusal {
  const limits = config.agents.defaults.subagents;
  // OpenClaw's own runner puts a child into its sandbox; no other engine has one.
  if (requester.sandboxed === true && config.subagents.engine !== "openclaw") {
    return forbidden(
      "This session is sandboxed and a subagent here wouldn't be, so it can't start one; do the work here.",
    );
  }
  if (depth >= limits.maxSpawnDepth) {
    return forbidden(
      `This session is at depth ${depth} and agents.defaults.subagents.maxSpawnDepth is ${limits.maxSpawnDepth}, so it can't start subagents; do the work here.`,
    );
  }
  const swarm = params.collect === true ? swarmOf(config, requester.agentId) : undefined;
  if (swarm?.enabled === false) {
    return forbidden("collect is turned off here (tools.swarm); leave it out, and the result comes as a message.");
  }
  const asked = params.agentId ?? swarm?.defaultAgentId;
  const agentId = chooseAgent(config, asked, requester);
  if (typeof agentId !== "string") return agentId;
  if (params.context === "fork" && agentId !== requester.agentId) {
    const message = `context \`fork\` is for the requester's own agent (${requester.agentId}), not for ${agentId}; leave one of them out.`;
    return { status: "error", code: "params_invalid", message };
  }
  // The only sandbox there is here is the one that OpenClaw's own runner puts a sandboxed session's children into.
  const wouldBe = requester.sandboxed === true && agentId === requester.agentId;
  if (params.sandbox === "require" && !wouldBe) {
    return forbidden(
      "sandbox `require` was asked for and this subagent would work in none; leave it out, or do the work here.",
    );
  }
  if ((params.attachments ?? []).length > 0 && !config.tools.sessions_spawn.attachments.enabled) {
    return forbidden(
      "Attachments are off (tools.sessions_spawn.attachments.enabled); put what the subagent needs into the task or the workspace.",
    );
  }
  const isolation = chooseIsolation(config.subagents.isolation, params.isolation);
  if (typeof isolation !== "string") return isolation;
  return {
    agentId,
    depth: depth + 1,
    role: depth + 1 < limits.maxSpawnDepth ? "orchestrator" : "leaf",
    isolation,
    timeoutMs: Math.floor(params.runTimeoutSeconds ?? limits.runTimeoutSeconds) * 1000,
  };
}

export function isRefusal(plan: SpawnPlan | Refusal): plan is Refusal {
  return "code" in plan;
}

export function tooManyChildren(active: number, limit: number): Refusal {
  return forbidden(
    `This session has ${active} active subagents and agents.defaults.subagents.maxChildrenPerAgent is ${limit}; wait for one to finish.`,
  );
}

export function sessionTaken(ended: boolean): Refusal {
  const message = ended
    ? "This session was ended and takes no follow-ups; start another subagent with sessions_spawn."
    : "Another process that shares this state directory is at work in this session; send it the message from there.";
  return { status: "error", code: "not_yours", message };
}

export function requesterEnded(): Refusal {
  return forbidden("This session's run has ended, so it starts nothing more.");
}

export function laneFull(queued: number, limit: number): Refusal {
  return forbidden(
    `${queued} subagents are waiting for a slot and subagents.pool.maxQueue is ${limit}; try again later.`,
  );
}

/** @param ever whether it is about all that the batch has ever had, or about those that haven't ended */
export function groupFull(group: string, count: number, limit: number, ever: boolean): Refusal {
  return forbidden(
    ever
      ? `The group ${group} has had ${count} collected subagents and tools.swarm.maxTotalPerGroup is ${limit}; work with what they found.`
      : `The group ${group} has ${count} collected subagents that haven't ended and tools.swarm.maxChildrenPerGroup is ${limit}; wait for some with agents_wait.`,
  );
}

function chooseAgent(
  config: Config,
  asked: string | undefined,
  requester: Pick<Requester, "agentId">,
): string | Refusal {
  const defaults = config.agents.defaults.subagents;
  const own = config.agents.list[requester.agentId]?.subagents;
  if (asked === undefined) {
    const required = own?.requireAgentId ?? defaults.requireAgentId;
    return required
      ? forbidden("The configuration asks for an agentId in every spawn (requireAgentId); name one.")
      : requester.agentId;
  }
  if (asked === requester.agentId) return asked;
  const { allowAny, ids: names } = allowedAgents(config, requester.agentId);
  if (!names.includes(asked)) {
    const list = names.length === 0 ? "none" : names.join(", ");
    const known = Object.hasOwn(config.agents.list, asked) || !allowAny;
    return forbidden(
      known
        ? `Agent ${asked} isn't in allowAgents of ${requester.agentId} (allowed: ${list}).`
        : `Agent ${asked} isn't configured (configured: ${list}).`,
    );
  }
  if (!Object.hasOwn(config.agents.list, asked)) {
    return forbidden(`Agent ${asked} is allowed but not configured; add it to agents.list.`);
  }
  return asked;
}

/** A spawn may tighten the configured isolation, never loosen it. */
export function chooseIsolation(configured: Isolation, asked: Isolation | undefined): Isolation | Refusal {
  const chosen = asked !== undefined && LEVELS.indexOf(asked) > LEVELS.indexOf(configured) ? asked : configured;
  if (chosen !== "process") return chosen;
  return {
    status: "error",
    code: "isolation_unavailable",
    message:
      "Isolation `process` isn't built yet, and nothing less is put in its place; ask for `dedicated` or `thread`.",
  };
}

function forbidden(message: string): Refusal {
  return { status: "forbidden", code: "spawn_forbidden", message };
}

const LEVELS: Isolation[] = ["thread", "dedicated", "process"];
