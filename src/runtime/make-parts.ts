/** What the runtime in threads is made of: its options, and the parts its files share. */

import { join } from "node:path";
import type { Config } from "../config.ts";
import type { Host } from "../host.ts";
import type { Logger } from "../log.ts";
import { WorkerPool } from "../pool/worker-pool.ts";
import type { Registry } from "../registry/registry.ts";
import type { Beside } from "./beside.ts";
import type { SessionTools } from "./child-tools.ts";
import { EventHub } from "./event-hub.ts";
import { GroupGate } from "./group-gate.ts";
import { KnownSecrets } from "./known-secrets.ts";
import { Lane } from "./lane.ts";
import { Loose } from "./loose.ts";
import { LiveRuns, type Parts } from "./parts.ts";
import type { StuckAfter } from "./thread-watch.ts";
import { UndecidedFolders } from "./undecided-folders.ts";

export type InProcessOptions = {
  config: Config;
  host: Host;
  registry: Registry;
  logger: Logger;
  /** Where transcripts are kept, a folder for each agent. */
  transcriptsDir: string;
  workerFile: string;
  /** For what warming up writes, and for notes of what isn't decided yet. */
  scratchDir: string;
  /** The threads' whole environment. */
  threadEnv: Record<string, string>;
  /** The whole environment of commands that `exec` starts. */
  execEnv: Record<string, string>;
  sessionTools: SessionTools;
  /** A gateway's runtime over the same registry file, whose completions this one takes home too. */
  beside?: Beside;
  /** When a thread counts as stuck. @default looked at every 2 s, stuck after 15 s */
  stuck?: StuckAfter;
};

/** @param onWatchers somebody began or ceased to watch */
export function makeParts(options: InProcessOptions, onWatchers: () => void): Parts {
  const { config, host, registry, logger } = options;
  const pool = new WorkerPool({
    threads: config.subagents.pool,
    workerFile: options.workerFile,
    scratchDir: options.scratchDir,
    env: options.threadEnv,
    ...(config.subagents.engine === "openclaw"
      ? { guest: { engine: "openclaw", context: () => host.engineContext?.() } }
      : {}),
    onError: (error) => logger.error({}, `a worker thread failed: ${error.message}`),
    onNote: (text) => logger.info({}, text),
  });
  return {
    config,
    host,
    registry,
    logger,
    pool,
    lane: new Lane(config.agents.defaults.subagents.maxConcurrent),
    groups: new GroupGate(),
    hub: new EventHub(onWatchers),
    live: new LiveRuns(),
    secrets: new KnownSecrets(),
    loose: new Loose(logger),
    undecided: new UndecidedFolders(join(options.scratchDir, "undecided")),
    execEnv: options.execEnv,
  };
}
