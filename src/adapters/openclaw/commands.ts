/** `openclaw inprocess status|runs|doctor`: commands that only look, beside a gateway that may be at work. */

import { join } from "node:path";
import type { Command } from "commander";
import { runsCommand, type RunsFlags } from "../cli/runs-command.ts";
import { statusLines } from "../cli/status.ts";
import type { HostConfig, HostRuntime } from "./api.ts";
import { examine } from "./doctor.ts";
import { findingLines } from "./doctor-text.ts";
import { findOpenClaw } from "./openclaw-package.ts";
import { STATE_FOLDER } from "./state-folder.ts";

export type CommandContext = { config: HostConfig; state: HostRuntime["state"] };

export function addCommands(program: Command, { config, state }: CommandContext): void {
  const group = program.command("inprocess").description("In-process subagents of this gateway");
  const folder = (): string => join(state.resolveStateDir(), STATE_FOLDER);
  group
    .command("status")
    .description("How many runs there are, in which state, and what waits to be handed over")
    .option("--json", "one JSON object")
    .action(async (flags: { json?: boolean }) => {
      for (const line of await statusLines(folder(), flags.json === true)) process.stdout.write(`${line}\n`);
    });
  group
    .command("runs")
    .description("The newest runs, or one whole with its answer")
    .argument("[run]", "a run id, or its beginning")
    .option("--limit <count>", "how many are listed (default: 20)")
    .option("--json", "one line of JSON for each")
    .action(async (runId: string | undefined, flags: RunsFlags) => {
      process.exitCode = await runsCommand(runId, { ...flags, stateDir: folder() }, process);
    });
  group
    .command("doctor")
    .description("What was chosen and why, and what stands in the way")
    .option("--json", "one JSON object a finding")
    .action(async (flags: { json?: boolean }) => {
      const openclaw = findOpenClaw(process.argv[1]);
      const findings = await examine({ config, stateDir: state.resolveStateDir(), openclaw, loaded: true });
      const lines = flags.json === true ? findings.map((finding) => JSON.stringify(finding)) : findingLines(findings);
      for (const line of lines) process.stdout.write(`${line}\n`);
      if (findings.some(({ level }) => level === "problem")) process.exitCode = 1;
    });
}
