/** Whose a run is when a gateway and this process share a registry. */

import { isAbsolute } from "node:path";
import type { Registry } from "../registry/registry.ts";
import { runIdOf } from "./gateway-child-address.ts";

export type Owner = "gateway" | "inprocess";

/**
 * By a run id or a child's session key; with an idempotency key, of the run that the session of this key asked for with
 * it. Undefined when there is no such run.
 */
export type OwnerOf = (named: string, idempotencyKey?: string) => Owner | undefined;

/** Also of runs of earlier processes, and of those that a gateway was asked for and may have accepted. */
export function ownersIn(registry: Pick<Registry, "run" | "byChildSession" | "intents">): OwnerOf {
  const { intents } = registry;
  return (named, idempotencyKey) => {
    const { scope } = intents;
    const id = idempotencyKey === undefined ? named : runIdOf({ scope, requesterSessionKey: named, idempotencyKey });
    const row = registry.run(id) ?? registry.byChildSession(id);
    if (row === undefined) return intents.find(id) === undefined ? undefined : "gateway";
    // A gateway keeps its children's transcripts itself, so no path stands in their rows.
    return isAbsolute(row.transcriptPath) ? "inprocess" : "gateway";
  };
}
