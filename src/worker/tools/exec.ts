/** `exec`: a shell command in the workspace. Not confined: whoever allows it lets a model do what the user can. */

import { InprocessError } from "../../errors.ts";
import type { ToolOutput } from "../../host.ts";
import { optionalNumber, textArg, type WorkerTool } from "./tool.ts";
import { runCommand, type CommandEnd } from "./run-command.ts";
import type { LazyWorkspace } from "./workspace.ts";

export type ExecOptions = {
  timeoutSeconds: number;
  /** Only the variables in `PASSED_ON` are taken. */
  env: Record<string, string>;
  onProcess: (pid: number, alive: boolean) => void;
};

/** `details`: `{ exitCode, signal?, timedOut, bytes, droppedBytes, ms }`; `exitCode` is null when there was none. */
export function execTool(workspace: LazyWorkspace, options: ExecOptions): WorkerTool {
  return {
    name: "exec",
    label: "Run command",
    description:
      "Run a shell command in the workspace; gives the end of its output and its exit code. It gets no input, and what it " +
      `leaves running in the background is ended with it. At most ${options.timeoutSeconds} seconds.`,
    parameters: {
      type: "object",
      properties: {
        command: { type: "string", description: "The command line" },
        timeout: { type: "number", exclusiveMinimum: 0, description: "Seconds after which it is ended" },
      },
      required: ["command"],
    },
    subject: (args) => args.command,
    async run(args, signal) {
      const command = textArg("exec", args, "command");
      if (command.trim() === "" || command.includes("\0") || command.length > MAX_COMMAND) {
        const message = `exec needs a command of 1 to ${MAX_COMMAND} characters, without NUL.`;
        throw new InprocessError("params_invalid", message);
      }
      const wanted = optionalNumber("exec", args, "timeout") ?? options.timeoutSeconds;
      const timeoutSeconds = Math.min(wanted, options.timeoutSeconds);
      const { dir } = await workspace();
      const env = passedOn(options.env);
      return output(await runCommand({ command, cwd: dir, env, timeoutSeconds, onProcess: options.onProcess }, signal));
    },
  };
}

/** Nothing of the gateway's environment reaches a command but what programs can't do without. */
function passedOn(env: Record<string, string>): Record<string, string> {
  const isPassedOn = (name: string) =>
    process.platform === "win32"
      ? PASSED_ON.some((one) => one.toUpperCase() === name.toUpperCase())
      : PASSED_ON.includes(name);
  return Object.fromEntries(Object.entries(env).filter(([name]) => isPassedOn(name)));
}

function output(end: CommandEnd): ToolOutput {
  const text: string[] = [];
  if (end.droppedBytes > 0) text.push(`[the first ${end.droppedBytes} bytes of the output are left out]`);
  if (end.output !== "") text.push(end.output.replace(/\r?\n$/, ""));
  text.push(lastLine(end));
  const { exitCode, signal, timedOut, bytes, droppedBytes, ms } = end;
  const isError = exitCode !== 0 || timedOut;
  return {
    content: [{ type: "text", text: text.join("\n") }],
    details: {
      exitCode,
      ...(signal === undefined ? {} : { signal }),
      timedOut,
      bytes,
      droppedBytes,
      ms,
      ...(isError ? { code: "tool_error" } : {}),
    },
    ...(isError ? { isError } : {}),
  };
}

function lastLine(end: CommandEnd): string {
  if (end.failure !== undefined) return `[the command didn't start: ${end.failure}]`;
  if (end.timedOut) return `[ended after ${(end.ms / 1000).toFixed(1)} s: its time was up]`;
  if (end.aborted) return "[ended: the run was stopped]";
  return end.signal === undefined ? `[exit code ${end.exitCode}]` : `[ended by ${end.signal}]`;
}

const MAX_COMMAND = 100_000;
const PASSED_ON = ["PATH", "HOME", "USERPROFILE", "TMPDIR", "TEMP", "TMP", "LANG", "SystemRoot", "ComSpec", "PATHEXT"];
