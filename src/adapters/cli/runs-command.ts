/** `runs`: looks at the runs of a state folder, and writes nothing; safe beside processes that are at work on it. */

import { existsSync } from "node:fs";
import { InprocessError } from "../../errors.ts";
import type { RunRow } from "../../registry/run-row.ts";
import { openRegistry, type Registry } from "../../registry/registry.ts";
import { completionOfRun } from "../../runtime/read-completion.ts";
import { viewOf } from "../../runtime/views.ts";
import { stateLayout } from "../state-layout.ts";
import { EXIT } from "./exit-codes.ts";
import { stateDirFrom } from "./folders.ts";
import { terminalBlock, terminalLine } from "./terminal-text.ts";
import { dollars, duration, tokens } from "./units.ts";

export type RunsFlags = { stateDir?: string; json?: boolean; limit?: string };

/** @param runId a run id or its beginning: that run whole, its answer included; else the newest runs, one a line */
export async function runsCommand(runId: string | undefined, flags: RunsFlags, proc: NodeJS.Process): Promise<number> {
  const stateDir = stateDirFrom(flags.stateDir, proc.cwd(), proc.env);
  const limit = limitFrom(flags.limit);
  const { registry: file } = stateLayout(stateDir);
  if (!existsSync(file)) {
    proc.stderr.write(`no runs yet: there is no registry in ${stateDir}\n`);
    return EXIT.ok;
  }
  // Who pipes the list into `head` has seen enough: that is no failure.
  proc.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (!CLOSED.has(error.code ?? "")) throw error;
  });
  const registry = openRegistry({ file, readOnly: true });
  try {
    const write = (line: string): void => void proc.stdout.write(`${line}\n`);
    if (runId === undefined) showAll(registry, limit, flags.json === true, write);
    else showOne(registry, runId, flags.json === true, write);
    return EXIT.ok;
  } finally {
    await registry.close();
  }
}

function showAll(registry: Registry, limit: number, json: boolean, write: (line: string) => void): void {
  for (const row of registry.listRuns({ limit })) {
    write(json ? JSON.stringify(viewOf(row)) : lineOf(row));
  }
}

function showOne(registry: Registry, target: string, json: boolean, write: (line: string) => void): void {
  const found = registry.listRuns({ limit: LOOK_BACK }).filter((row) => row.runId.startsWith(target));
  const [first, ...others] = found;
  if (first === undefined)
    throw new InprocessError("not_found", `no run begins with ${target}; list them with "openclaw-inprocess runs"`);
  if (others.length > 0)
    throw new InprocessError("ambiguous", `${found.length} runs begin with ${target}; give more of the id`);
  // A list leaves the answers out.
  const row = registry.run(first.runId) ?? first;
  const { message, text, textBytesCut } = completionOfRun(registry, row);
  // The block leaves out what a failed run had said, and shows the beginning of a long answer: here all of it can be read.
  const record = text === "" ? (row.text ?? "") : text;
  if (json) {
    const cut = text === "" ? row.textBytesCut : (textBytesCut ?? 0);
    const { structured, schemaError } = row;
    const more = { ...(cut > 0 ? { textBytesCut: cut } : {}), structured, schemaError };
    return write(JSON.stringify({ ...viewOf(row), text: record, ...more }));
  }
  if (row.state !== "settled") return write(lineOf(row));
  write(terminalBlock(message));
  if (row.delivery === "undelivered") {
    const why = registry.outbox.byRun(row.runId)?.lastError;
    write(`not delivered: ${terminalLine(why ?? "given up", 500)}`);
  }
  if (record !== "" && !message.includes(record)) write(`${ALL_OF_IT}\n${terminalBlock(record)}`);
}

function lineOf(row: RunRow): string {
  const { totalTokens, costUsd } = row.usage;
  const parts = [
    row.runId,
    new Date(row.createdAt).toISOString(),
    row.outcome?.status ?? row.state,
    row.delivery !== "none" ? row.delivery : row.collect ? "collected" : "not announced",
    duration((row.endedAt ?? Date.now()) - (row.startedAt ?? row.createdAt)),
    tokens(totalTokens),
    ...(costUsd > 0 ? [dollars(costUsd)] : []),
    terminalLine(row.label ?? row.taskName ?? row.task, 80),
  ];
  return parts.join("  ");
}

function limitFrom(value: string | undefined): number {
  const limit = Number(value ?? 20);
  if (Number.isSafeInteger(limit) && limit >= 1 && limit <= LOOK_BACK) return limit;
  throw new InprocessError("params_invalid", `--limit must be a whole number from 1 to ${LOOK_BACK}, not ${value}`);
}

/** EOF is what Windows says. */
const CLOSED: ReadonlySet<string> = new Set(["EPIPE", "EOF", "ERR_STREAM_DESTROYED"]);

const LOOK_BACK = 10_000;
const ALL_OF_IT = "all that is kept of what it said:";
