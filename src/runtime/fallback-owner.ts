/** Whose a run is when a gateway and this process share a registry. */

import { isAbsolute } from "node:path";
import type { Registry } from "../registry/registry.ts";

export type Owner = "gateway" | "inprocess";

/**
 * @returns by a run id or a child's session key; undefined when there is no such run. Also of runs of earlier processes,
 * and of those that a gateway was asked for and may have accepted.
 */
export function ownersIn(
  registry: Pick<Registry, "run" | "byChildSession" | "intents">,
): (named: string) => Owner | undefined {
  return (named) => {
    const row = registry.run(named) ?? registry.byChildSession(named);
    if (row === undefined) return registry.intents.askedAt(named) === undefined ? undefined : "gateway";
    // A gateway keeps its children's transcripts itself, so no path stands in their rows.
    return isAbsolute(row.transcriptPath) ? "inprocess" : "gateway";
  };
}
