/** What a spawn may ask for and the runtime in threads hasn't got yet; each line goes when its feature comes. */

import type { Capability, SpawnParams } from "../types.ts";
import type { Refusal } from "./spawn-policy.ts";

/** @returns the first that is asked for; what asks for nothing beside what is done anyway passes */
export function refuseUnbuilt(params: SpawnParams): Refusal | undefined {
  for (const [name, { capability, asIs }] of Object.entries(UNBUILT)) {
    const value = params[name as keyof SpawnParams];
    if (value === undefined || value === asIs) continue;
    const named = capability === undefined ? "" : ` (capability \`${capability}\`)`;
    const message = `${name} isn't available in this runtime${named}; leave it out.`;
    return { status: "error", code: "capability_missing", message };
  }
  return undefined;
}

/** `asIs`: the value that asks for what is done anyway. A tool doesn't offer its model these names. */
type Unbuilt = { capability?: Capability; asIs?: unknown };

export const UNBUILT: Readonly<Partial<Record<keyof SpawnParams, Unbuilt>>> = {
  budget: { capability: "budget" },
};
