/** What a gateway can't do for a spawn, refused by name: what is passed over in silence would be worse than none. */

import type { Refusal } from "../policy/spawn-policy.ts";
import type { Capability, SpawnParams } from "../types.ts";

export const GATEWAY_CAPABILITIES: ReadonlySet<Capability> = new Set(["kill", "steer", "history", "timeout"] as const);

/** @param isChild the requester is a child of this runtime's */
export function missingCapability(params: Partial<SpawnParams>, isChild: boolean): Refusal | undefined {
  if (isChild) return lacks("nesting", "A subagent in the gateway starts none of its own here");
  if (params.toolsAllow !== undefined || params.toolsDeny !== undefined) {
    return lacks(
      "tools",
      "The gateway decides by its own configuration which tools a subagent has (toolsAllow, toolsDeny)",
    );
  }
  if (params.isolation === "dedicated" || params.isolation === "process") {
    return lacks(
      params.isolation,
      `The gateway runs its subagents in its own way, not with isolation \`${params.isolation}\``,
    );
  }
  if (params.cwd !== undefined) {
    return lacks("cwd", "The gateway gives a subagent its agent's workspace; name the folder in the task");
  }
  const asked = Object.entries(LACKED).find(([, { by }]) => by(params));
  return asked && lacks(asked[0] as keyof typeof LACKED, asked[1].why);
}

/** What the gateway's own RPC has no way to ask for. */
const LACKED = {
  attachments: {
    by: ({ attachments, attachAs }) => attachments !== undefined || attachAs !== undefined,
    why: "The gateway takes no attachments from here; put the files in the workspace and name them",
  },
  fork: {
    by: ({ context }) => context === "fork",
    why: "The gateway starts its subagents without their requester's transcript",
  },
  session: {
    by: ({ thread, mode }) => thread === true || mode === "session",
    why: "A subagent in the gateway can't be bound to a thread from here",
  },
  collect: { by: ({ collect }) => collect === true, why: "The gateway announces its subagents' results" },
  budget: { by: ({ budget }) => budget !== undefined, why: "The gateway counts no budget" },
  completionTarget: {
    by: ({ completionTarget }) => completionTarget !== undefined,
    why: "The gateway delivers a result in its own way",
  },
  lightContext: {
    by: ({ lightContext }) => lightContext === true,
    why: "The gateway gives a subagent its bootstrap files",
  },
} satisfies Record<string, { by(params: Partial<SpawnParams>): boolean; why: string }>;

function lacks(name: Capability | "cwd" | "completionTarget" | "lightContext", why: string): Refusal {
  return { status: "error", code: "capability_missing", message: `${why}; \`${name}\` needs the in-process runtime.` };
}
