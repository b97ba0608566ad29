/** The command line: names, options and help. What a command does is in a file of its own. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Command, CommanderError, Option } from "commander";
import { InprocessError } from "../../errors.ts";
import { packageRoot } from "../../package-root.ts";
import type { DoctorFlags } from "./doctor-command.ts";
import { errorLines, EXIT, exitCodeFor } from "./exit-codes.ts";
import { flushed } from "./flushed.ts";
import { EXAMPLES, NOTES } from "./help.ts";
import type { RunFlags } from "./prepare-run.ts";
import type { RunsFlags } from "./runs-command.ts";

/** Runs the command that `proc.argv` asks for and ends the process with its exit code. Never rejects. */
export async function runProgram(proc: NodeJS.Process): Promise<void> {
  proc.on("uncaughtException", (error) => {
    report(proc, error);
    proc.exit(EXIT.failed);
  });
  const code = await exitCodeOf(proc);
  await Promise.all([flushed(proc.stdout), flushed(proc.stderr)]);
  proc.exit(code);
}

async function exitCodeOf(proc: NodeJS.Process): Promise<number> {
  let code: number = EXIT.ok;
  const program = buildProgram({
    run: async (words, flags) => {
      const { prepareRun } = await import("./prepare-run.ts");
      const plan = await prepareRun(words, flags, proc);
      // Threads and the registry are only loaded for a run that nothing speaks against.
      const { runCommand } = await import("./run-command.ts");
      code = await runCommand(plan, proc);
    },
    runs: async (runId, flags) => {
      const { runsCommand } = await import("./runs-command.ts");
      code = await runsCommand(runId, flags, proc);
    },
    doctor: async (flags) => {
      const { doctorCommand } = await import("./doctor-command.ts");
      code = await doctorCommand(flags, proc);
    },
  });
  try {
    await program.parseAsync(proc.argv);
    return code;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return EXIT.ok;
    const refusal = error instanceof CommanderError ? usageError(error) : error;
    report(proc, refusal);
    return exitCodeFor(refusal);
  }
}

type Commands = {
  run(words: string[], flags: RunFlags): Promise<void>;
  runs(runId: string | undefined, flags: RunsFlags): Promise<void>;
  doctor(flags: DoctorFlags): Promise<void>;
};

/** @internal for tests: the program with its commands, which never exits or writes errors by itself */
export function buildProgram({ run, runs, doctor }: Commands): Command {
  const program = new Command("openclaw-inprocess")
    .description("Runs a main agent whose subagents work in threads of the same process.")
    .version(packageVersion(), "-V, --version", "print the version")
    .helpOption("-h, --help", "print this help")
    .exitOverride()
    .configureOutput({ outputError: () => undefined })
    .addHelpText("after", EXAMPLES);
  program
    .command("run")
    .summary("give a task to a main agent and print its answer")
    .description(
      "Gives a task to a main agent. It may hand parts of the task to subagents, which work in threads of this process " +
        "and report back. Prints the final answer on standard output, and what goes on meanwhile on standard error.",
    )
    .argument("[task...]", "what the main agent is to do, in quotes; - reads it from standard input")
    .option("--config <file>", "an OpenClaw config (JSON5), for models, agents and limits")
    .option(
      "--workspace <folder>",
      "the folder the agents may read and change, those in a gateway excepted (default: the current folder)",
    )
    .option(
      "--state-dir <folder>",
      "where transcripts and the registry are kept (default: the system's place for state)",
    )
    .option(
      "--model <model>",
      "provider/id, such as anthropic/claude-sonnet-4-5; with --base-url, the server's own name",
    )
    .option("--base-url <url>", "an OpenAI-compatible server, such as http://localhost:11434/v1")
    .option("--api-key-env <name>", "the environment variable with the key for --base-url")
    .addOption(
      new Option("--runtime <runtime>", "where subagents run (default: what the config says)").choices([
        "auto",
        "inprocess",
        "gateway",
      ]),
    )
    .option("--demo", "use the scripted demo model, offline and without a key; has a task of its own")
    .option("--json", "print events and the answer as lines of JSON on standard output")
    .option("--quiet", "print nothing but warnings and errors on standard error")
    .addHelpText("after", EXAMPLES + NOTES)
    .action(run);
  program
    .command("runs")
    .summary("look at past and present runs")
    .description("Lists the newest runs of a state folder, or shows one whole, its answer included. Changes nothing.")
    .argument("[run]", "a run id, or its beginning")
    .option("--state-dir <folder>", "where to look (default: the system's place for state)")
    .option("--limit <count>", "how many are listed (default: 20)")
    .option("--json", "one line of JSON for each")
    .action(runs);
  program
    .command("doctor")
    .summary("look at the OpenClaw of this machine")
    .description(
      "Says what the plugin makes of an OpenClaw install: which runtime and engine are chosen and why, what stands in " +
        "the way, and the command that changes it. Changes nothing.",
    )
    .option("--config <file>", "OpenClaw's configuration (default: where OpenClaw keeps it)")
    .option("--json", "one line of JSON for each finding")
    .action(doctor);
  program.action(() => {
    throw new InprocessError("params_invalid", noCommand(program.args));
  });
  program.allowExcessArguments();
  return program;
}

function noCommand(args: readonly string[]): string {
  return args.length === 0
    ? 'no command was given; try "openclaw-inprocess run --demo", or see "openclaw-inprocess --help"'
    : `there is no command "${args[0]}"; to give a task to a main agent, write openclaw-inprocess run "your task"`;
}

/** commander's message in one sentence, with the way to the help. */
function usageError(error: CommanderError): InprocessError {
  const message = error.message
    .replace(/^error: /u, "")
    .replace(/\s*\n\s*/gu, " ")
    .replace(/\.$/u, "");
  return new InprocessError("params_invalid", `${message}; see "openclaw-inprocess run --help"`);
}

function report(proc: NodeJS.Process, error: unknown): void {
  const stack = (proc.env.OPENCLAW_INPROCESS_DEBUG ?? "") !== "";
  for (const line of errorLines(error, { stack })) proc.stderr.write(`${line}\n`);
}

function packageVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(join(packageRoot(), "package.json"), "utf8"));
  return (manifest as { version: string }).version;
}
