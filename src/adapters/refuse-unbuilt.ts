/** What a config may ask for and this version hasn't got. */

import type { Config } from "../config.ts";
import { InprocessError } from "../errors.ts";
import { selectRuntime } from "../policy/select-runtime.ts";

/**
 * Refused by name before anything starts: a limit that isn't kept would be worse than none.
 * @throws InprocessError `isolation_unavailable`, `capability_missing`
 */
export function refuseUnbuilt(config: Config): void {
  if (config.subagents.isolation === "process") {
    throw new InprocessError(
      "isolation_unavailable",
      'subagents.isolation is "process", which this version doesn\'t have and doesn\'t downgrade; set it to "dedicated" or "thread".',
    );
  }
  if (config.subagents.isolation === "dedicated" && selectRuntime(config).runtime === "gateway") {
    throw new InprocessError(
      "isolation_unavailable",
      'subagents.isolation is "dedicated", which a gateway doesn\'t have; set it to "thread", or subagents.runtime to "inprocess".',
    );
  }
  const [limit] = Object.keys(config.subagents.budget);
  if (limit !== undefined && selectRuntime(config).runtime === "gateway") {
    throw new InprocessError(
      "capability_missing",
      `subagents.budget.${limit} is set, which a gateway doesn't count; take it out, or set subagents.runtime to "inprocess".`,
    );
  }
}
