/** What a gateway can't do for a spawn, refused by name: what is passed over in silence would be worse than none. */

import type { Refusal } from "../policy/spawn-policy.ts";
import type { Capability, SpawnParams } from "../types.ts";

export const GATEWAY_CAPABILITIES: ReadonlySet<Capability> = new Set(["kill", "steer", "history", "timeout"] as const);

/** @param isChild the requester is a child of this runtime's */
export function missingCapability(
  params: Pick<SpawnParams, "toolsAllow" | "toolsDeny" | "isolation" | "cwd">,
  isChild: boolean,
): Refusal | undefined {
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
  return undefined;
}

function lacks(name: Capability | "cwd", why: string): Refusal {
  return { status: "error", code: "capability_missing", message: `${why}; \`${name}\` needs the in-process runtime.` };
}
