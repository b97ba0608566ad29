/** Our log lines in the gateway's log. */

import type { Logger } from "../../log.ts";
import { redact, redactText } from "../../redact.ts";
import type { PluginLogger } from "./api.ts";

/**
 * The gateway's plugin logger takes a text only: the fields stand behind it, as JSON, secrets taken out.
 * @param verbose whether the gateway writes lines of the level `debug` anywhere
 */
export function hostLogger(logger: PluginLogger, verbose: () => boolean, fixed: Record<string, unknown> = {}): Logger {
  const line = (fields: object, msg: string): string => {
    const all = { ...fixed, ...fields };
    const told = Object.keys(all).length === 0 ? "" : ` ${JSON.stringify(redact(all))}`;
    return `openclaw-inprocess: ${redactText(msg)}${told}`;
  };
  return {
    // The gateway looks into its settings, and formats the time, before it drops a line.
    debug: (fields, msg) => void (verbose() && logger.debug?.(line(fields, msg))),
    info: (fields, msg) => logger.info(line(fields, msg)),
    warn: (fields, msg) => logger.warn(line(fields, msg)),
    error: (fields, msg) => logger.error(line(fields, msg)),
    child: (fields) => hostLogger(logger, verbose, { ...fixed, ...fields }),
  };
}
