/** Which engine carries the children of this install. */

import type { Config } from "../config.ts";
import { InprocessError } from "../errors.ts";

export type EngineChoice = {
  /** `pi`, `openclaw`, or the module of a user's own as it stands in the config. */
  engine: string;
  /** In words, for `doctor` and the start-up log. */
  reason: string;
};

/**
 * `subagents.engine` when it names one; with `auto`, by what can be had and not by a version.
 * @param runner why the host's own runner can't be had here, in words; undefined when it can
 * @throws InprocessError `config_invalid` when it is named and can't be had: it would take every spawn and fail it
 */
export function selectEngine(config: Pick<Config, "subagents">, runner: { missing?: string }): EngineChoice {
  const { engine } = config.subagents;
  if (engine === "openclaw" && runner.missing !== undefined) {
    throw new InprocessError(
      "config_invalid",
      `subagents.engine is "openclaw", but ${runner.missing}; set it to "auto" or "pi".`,
    );
  }
  if (engine !== "auto") return { engine, reason: `subagents.engine is "${engine}"` };
  return runner.missing === undefined
    ? {
        engine: "openclaw",
        reason: 'subagents.engine is "auto" and the gateway\'s own runner can be loaded in a thread',
      }
    : { engine: "pi", reason: `subagents.engine is "auto" and ${runner.missing}` };
}
