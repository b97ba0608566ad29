/** `run`: one task from the command line to the answer. Wires only. */

import { join } from "node:path";
import { createLogger, type Logger } from "../../log.ts";
import { createStandalone, type Standalone } from "../standalone-host.ts";
import { exitCodeOf, sayEnd, type RunEnd } from "./answer.ts";
import { EXIT } from "./exit-codes.ts";
import { flushed } from "./flushed.ts";
import { makeStateDir } from "./folders.ts";
import { demoNotice } from "./help.ts";
import { jsonLines } from "./json-lines.ts";
import type { RunPlan } from "./prepare-run.ts";
import { runTask } from "./run-task.ts";
import { createShow, showMode, type Show } from "./show.ts";
import { watchStops } from "./stop-signals.ts";
import { initialView } from "./view-state.ts";

/**
 * @returns the exit code of everything that happens once the run has started
 * @throws InprocessError for what keeps it from starting; then nothing is left behind
 */
export async function runCommand(plan: RunPlan, proc: NodeJS.Process): Promise<number> {
  const { demo, quiet, header } = plan;
  if (demo === "implied" || (demo === "chosen" && !quiet)) proc.stderr.write(`${demoNotice(header.runtime)}\n`);
  const stops = watchStops(proc);
  let show: Show | undefined;
  try {
    const standalone = await start(plan, (sentence) => show?.warn(sentence));
    const state = initialView({ ...plan.header, mainSessionKey: standalone.mainSessionKey, startedAt: Date.now() });
    const mode = showMode({
      ...plan,
      stdoutIsTerminal: proc.stdout.isTTY,
      stderrIsTerminal: proc.stderr.isTTY,
      env: proc.env,
    });
    show = createShow(mode, state, proc.stderr, proc.env);
    const writeLine = plan.json ? jsonLines(proc.stdout) : undefined;
    const end: RunEnd = await runTask(plan.task, standalone, { state, show, stops, writeLine });
    const where = { state, writeLine, transcript: standalone.mainTranscript, proc };
    await sayEnd(end, where);
    await flushed(proc.stdout);
    // An answer that could not be written down is no answer.
    const { reason } = stops;
    if (end.kind !== "answered" || reason?.kind !== "output_failed") return exitCodeOf(end);
    await sayEnd({ kind: "stopped", reason, interrupted: [] }, { ...where, writeLine: undefined });
    return EXIT.failed;
  } finally {
    stops.dispose();
  }
}

/** The state folder is made last, and taken back when the host refuses to start. */
async function start(plan: RunPlan, warn: (sentence: string) => void): Promise<Standalone> {
  const takeBack = makeStateDir(plan.stateDir);
  try {
    const { config, workspaceDir, stateDir, resolveModel, model, logLevel } = plan;
    return await createStandalone({
      ...{ config, workspaceDir, stateDir, resolveModel },
      ...(model === undefined ? {} : { model }),
      logger: tellingOfFallback(
        createLogger(logLevel === undefined ? {} : { level: logLevel, destination: join(stateDir, LOG_FILE) }),
        warn,
      ),
    });
  } catch (error) {
    takeBack();
    throw error;
  }
}

/** Subagents that don't run where the user was told they do. */
function tellingOfFallback(logger: Logger, warn: (sentence: string) => void): Logger {
  return {
    ...logger,
    warn: (fields, msg) => {
      logger.warn(fields, msg);
      if ("fallback" in fields) warn(msg);
    },
  };
}

const LOG_FILE = "log.jsonl";
