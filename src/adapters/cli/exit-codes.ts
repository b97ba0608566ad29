/** How the command ends when it doesn't end well: which code, which words. */

import { isConfigError, isInprocessError, messageOf, type ErrorCode } from "../../errors.ts";
import { terminalLine } from "./terminal-text.ts";

export const EXIT = {
  /** The main agent answered, even if a child failed. */
  ok: 0,
  /** Something failed after the run had started, or the main agent ended without a word. */
  failed: 1,
  /** Flags, config, task or workspace were wrong; nothing was started. */
  refused: 2,
  interrupted: 130,
  /** Nobody reads standard output any more, and the run wasn't over (128 + SIGPIPE). */
  outputClosed: 141,
} as const;

/** The exit code for an error thrown before a run started. */
export function exitCodeFor(error: unknown): number {
  return isInprocessError(error) && REFUSALS.has(error.code) ? EXIT.refused : EXIT.failed;
}

/**
 * The lines for standard error: one sentence, or for a config with several faults a line for each.
 * @param stack also the stack, for somebody who debugs this package
 */
export function errorLines(error: unknown, options: { stack?: boolean } = {}): string[] {
  const lines = sentences(error);
  if (options.stack === true && error instanceof Error && error.stack !== undefined) lines.push(error.stack);
  return lines;
}

function sentences(error: unknown): string[] {
  if (isConfigError(error) && error.issues.length > 1) {
    return [
      `${PROGRAM}: the configuration can't be used, it has ${error.issues.length} faults:`,
      ...error.issues.map(
        ({ path, message }) => `  ${path === "" ? "" : `${terminalLine(path)}: `}${withStop(terminalLine(message))}`,
      ),
    ];
  }
  return [`${PROGRAM}: ${withStop(terminalLine(messageOf(error)))}`];
}

function withStop(sentence: string): string {
  return /[.!?:]$/u.test(sentence) ? sentence : `${sentence}.`;
}

export const PROGRAM = "openclaw-inprocess";

/** What can be wrong before a run starts and is the user's to put right. */
const REFUSALS: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "config_invalid",
  "config_unreadable",
  "node_too_old",
  "state_dir_unusable",
  "registry_unusable",
  "workspace_unusable",
  "task_invalid",
  "params_invalid",
  "capability_missing",
  "isolation_unavailable",
  "model_unusable",
  "not_found",
  "ambiguous",
]);
