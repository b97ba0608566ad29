/** Which of the core's spawns are answered in process. */

import type { Config } from "../../config.ts";
import type { RuntimeChoice } from "../../policy/select-runtime.ts";

export type Takeover = {
  /**
   * `always`: every spawn · `when-broken`: only one that the core would certainly be refused, else the core's own path ·
   * `never`: the core is left alone, nothing is started.
   */
  spawns: "always" | "when-broken" | "never";
  /** Whether our tools are offered under our own names. */
  tools: boolean;
  /** In words, for `doctor` and the start-up log. */
  reason: string;
};

/**
 * With an engine of fewer tools than the core's children have, nobody is switched to it unasked: the core's path is
 * left as it is while it works, and our tools are offered beside it.
 */
export function chooseTakeover(config: Config, choice: RuntimeChoice, engine: string): Takeover {
  if (choice.runtime === "gateway") {
    return config.subagents.fallback
      ? {
          spawns: "when-broken",
          tools: false,
          reason: `${choice.reason}; a spawn that the gateway would refuse for its pairing runs in process (subagents.fallback)`,
        }
      : { spawns: "never", tools: false, reason: `${choice.reason}, and subagents.fallback is off` };
  }
  if (engine === "openclaw" || config.subagents.runtime === "inprocess") {
    return { spawns: "always", tools: true, reason: choice.reason };
  }
  return {
    spawns: "when-broken",
    tools: true,
    reason: `${choice.reason}; the core's own path is kept while it works, because children of the engine "${engine}" have fewer tools; set subagents.runtime to "inprocess" to take every spawn`,
  };
}
