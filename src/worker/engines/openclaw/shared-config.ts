/** One config object for all runs of a thread, as long as the gateway's stays the same. */

import type { Runner } from "./runner.ts";

/**
 * The runner keeps plugins and models it has loaded under the config they were loaded with, so an equal config is
 * replaced by the one that came before. Its own tools read the same one, as they do on the gateway's main thread.
 */
export function sharedConfig(
  config: Record<string, unknown>,
  runner: Pick<Runner, "setRuntimeConfigSnapshot">,
): Record<string, unknown> {
  const text = JSON.stringify(config);
  if (last?.text !== text) {
    last = { text, config };
    runner.setRuntimeConfigSnapshot(config);
  }
  return last.config;
}

let last: { text: string; config: Record<string, unknown> } | undefined;
