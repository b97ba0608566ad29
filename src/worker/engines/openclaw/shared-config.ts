/** One config object for all runs of a thread, as long as the gateway's stays the same. */

import type { Runner } from "./runner.ts";

type Config = Record<string, unknown>;
type Source = Pick<Runner, "setRuntimeConfigSnapshot" | "readConfigFileSnapshotForWrite">;

/**
 * The runner keeps plugins and models it has loaded under the config they were loaded with, so an equal config is
 * replaced by the one that came before. Its own tools read the same one, as they do on the gateway's main thread.
 *
 * Beside it the runner is told what the user's file says, as the gateway tells its own: the list of models that both
 * keep in one file is written from that. Without it each wrote the file anew for the other's, and planned its list
 * again: three seconds of the gateway's main thread for every child.
 */
export function sharedConfig(config: Config, runner: Source): Promise<Config> {
  const text = JSON.stringify(config);
  if (last?.text !== text) last = { text, shared: share(config, runner) };
  return last.shared;
}

async function share(config: Config, runner: Source): Promise<Config> {
  const { snapshot } = await runner.readConfigFileSnapshotForWrite().catch(() => ({ snapshot: undefined }));
  runner.setRuntimeConfigSnapshot(config, snapshot?.sourceConfig ?? snapshot?.resolved);
  return config;
}

let last: { text: string; shared: Promise<Config> } | undefined;
