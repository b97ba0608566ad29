/** Everything that can be wrong with `run` before it starts, found out without leaving a trace. */

import { resolve } from "node:path";
import { parseConfig, type Config } from "../../config.ts";
import { loadConfigFile } from "../../config/load.ts";
import { InprocessError } from "../../errors.ts";
import type { Host } from "../../host.ts";
import type { LoggerOptions } from "../../log.ts";
import { selectRuntime, type RuntimeChoice } from "../../policy/select-runtime.ts";
import { gatewayAddress } from "../gateway-address.ts";
import { chooseModel } from "./choose-model.ts";
import { stateDirFrom, workspaceFrom } from "./folders.ts";
import { DEMO_TASK } from "./help.ts";
import { taskFromStdin, taskFromWords } from "./read-task.ts";

/** The options of `run` as they stand on the command line. */
export type RunFlags = {
  config?: string;
  workspace?: string;
  stateDir?: string;
  model?: string;
  baseUrl?: string;
  apiKeyEnv?: string;
  runtime?: Config["subagents"]["runtime"];
  demo?: boolean;
  json?: boolean;
  quiet?: boolean;
};

export type RunPlan = {
  task: string;
  config: Config;
  /** Absolute. */
  workspaceDir: string;
  /** Absolute; not made yet. */
  stateDir: string;
  resolveModel: Host["resolveModel"];
  /** The main session's model when it isn't the agent's own. */
  model?: string;
  /** `implied`: no model was named at all. */
  demo?: "chosen" | "implied";
  header: { runtime: RuntimeChoice["runtime"]; reason: string; model: string; workspace: string };
  /** Log lines of this level and above go to `log.jsonl` in the state folder. @default none */
  logLevel?: LogLevel;
  json: boolean;
  quiet: boolean;
};

export type LogLevel = NonNullable<LoggerOptions["level"]>;

/**
 * Checks options, config, runtime, workspace, model and task, in this order; reads standard input last.
 * @throws InprocessError with a sentence that names the option or path at fault
 */
export async function prepareRun(
  words: string[],
  flags: RunFlags,
  proc: Pick<NodeJS.Process, "stdin" | "env" | "cwd">,
): Promise<RunPlan> {
  const cwd = proc.cwd();
  checkFlags(flags);
  const logLevel = logLevelFrom(proc.env[LOG_VARIABLE]);
  const given = words.length === 0 && flags.demo === true ? DEMO_TASK : taskFromWords(words);
  const config = await configFrom(flags, cwd, proc.env);
  const { runtime, reason } = runtimeFrom(config, flags, proc.env);
  const workspaceDir = workspaceFrom(flags.workspace, cwd);
  const chosen = await chooseModel(flags, config, proc.env);
  const stateDir = stateDirFrom(flags.stateDir, cwd, proc.env);
  const task = given ?? (await taskFromStdin(proc.stdin));
  return {
    task,
    config,
    workspaceDir,
    stateDir,
    resolveModel: chosen.resolveModel,
    ...(chosen.ref === undefined ? {} : { model: chosen.ref }),
    ...(chosen.demo === undefined ? {} : { demo: chosen.demo }),
    header: { runtime, reason, model: chosen.name, workspace: workspaceDir },
    ...(logLevel === undefined ? {} : { logLevel }),
    json: flags.json === true,
    quiet: flags.quiet === true,
  };
}

function checkFlags(flags: RunFlags): void {
  for (const [name, value] of Object.entries(flags)) {
    if (typeof value !== "string") continue;
    const option = `--${name.replace(/[A-Z]/gu, (letter) => `-${letter.toLowerCase()}`)}`;
    if (value.trim() === "") throw wrong(`${option} needs a value and was given an empty one`);
    // commander takes whatever follows as the value.
    if (value.startsWith("--")) throw wrong(`${option} needs a value and was followed by ${value}`);
  }
  if (flags.demo === true && (flags.model !== undefined || flags.baseUrl !== undefined)) {
    throw wrong("--demo brings its own model; leave it out, or leave out --model and --base-url");
  }
  if (flags.baseUrl !== undefined && flags.model === undefined) {
    throw wrong("--base-url needs --model with the name by which the server at that address knows the model");
  }
  if (flags.apiKeyEnv !== undefined && flags.baseUrl === undefined) {
    throw wrong("--api-key-env needs --base-url; the key of a built-in provider is read from its own usual variable");
  }
}

async function configFrom(flags: RunFlags, cwd: string, env: NodeJS.ProcessEnv): Promise<Config> {
  const raw = flags.config === undefined ? {} : await loadConfigFile(resolve(cwd, flags.config), { env });
  const config = parseConfig(raw);
  if (flags.runtime === undefined) return config;
  return { ...config, subagents: { ...config.subagents, runtime: flags.runtime } };
}

/** Which way, and why. An address or a secret of the gateway's that can't be made out is found out here. */
function runtimeFrom(config: Config, flags: RunFlags, env: NodeJS.ProcessEnv): RuntimeChoice {
  const { runtime, reason } = selectRuntime(config);
  if (runtime === "gateway") gatewayAddress(config, env);
  const asked = flags.runtime !== undefined && flags.runtime !== "auto";
  return { runtime, reason: asked ? `--runtime ${flags.runtime} was given` : reason };
}

function logLevelFrom(value: string | undefined): LogLevel | undefined {
  if (value === undefined || value === "") return undefined;
  const level = LOG_LEVELS.find((each) => each === value.toLowerCase());
  if (level === undefined)
    throw wrong(`the variable ${LOG_VARIABLE} is "${value}"; it must be ${LOG_LEVELS.join(", ")}, or unset`);
  return level;
}

function wrong(sentence: string): InprocessError {
  return new InprocessError("params_invalid", sentence);
}

const LOG_VARIABLE = "OPENCLAW_INPROCESS_LOG";
const LOG_LEVELS: readonly LogLevel[] = ["debug", "info", "warn", "error"];
