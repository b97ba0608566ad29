/** Logging: one small interface that a pino logger fulfils, and lines of JSON with every secret taken out. */

import { createRequire } from "node:module";
import type * as Pino from "pino";
import type { LogLine } from "./channel/protocol.ts";
import { redact, redactText } from "./redact.ts";

/** What this package asks of a logger. Fields come first, as in pino; a pino logger may be passed as it is. */
export interface Logger {
  debug(fields: object, msg: string): void;
  info(fields: object, msg: string): void;
  warn(fields: object, msg: string): void;
  error(fields: object, msg: string): void;
  /** A logger whose every line carries `fields` too. */
  child(fields: Record<string, unknown>): Logger;
}

export type LoggerOptions = {
  /** The least severe level that is written. @default "info" */
  level?: LogLine["level"];
  /** Path of a file to append to, a file descriptor, or a stream. @default none: nothing is written */
  destination?: string | number | Pino.DestinationStream;
  /** Exact values to hide beside what looks like a secret. Read at each line: what is added later counts too. */
  secrets?: readonly string[];
};

/**
 * A logger of one JSON object a line: `level` (pino's number), `time` (milliseconds since the epoch), `pid`, the
 * fields, `msg`. Lines to a path or a descriptor are written before the call returns, so a crash loses none.
 */
export function createLogger(options: LoggerOptions = {}): Logger {
  const { destination, secrets } = options;
  if (destination === undefined) return SILENT;
  const { pino } = loadPino();
  return redacting(
    pino(
      {
        level: options.level ?? "info",
        base: { pid: process.pid },
        // The time is a field like others, because a thread's line brings its own.
        timestamp: false,
      },
      typeof destination === "object" ? destination : pino.destination({ dest: destination, mkdir: true, sync: true }),
    ),
    secrets,
  );
}

/** Around pino rather than in its options: its formatters never see the fields of a child. */
function redacting(pino: Pino.Logger, secrets: readonly string[] | undefined): Logger {
  const clean = (fields: object): Fields => redact(fields, secrets) as Fields;
  const write = (level: LogLine["level"], fields: object, msg: string): void => {
    if (!pino.isLevelEnabled(level)) return;
    pino[level]({ time: Date.now(), ...clean(fields) }, redactText(msg, secrets));
  };
  return {
    debug: (fields, msg) => write("debug", fields, msg),
    info: (fields, msg) => write("info", fields, msg),
    warn: (fields, msg) => write("warn", fields, msg),
    error: (fields, msg) => write("error", fields, msg),
    child: (fields) => redacting(pino.child(clean(fields)), secrets),
  };
}

/** Writes a batch of a thread's lines with the time each was said and `fields` (the run, its session) added. */
export function writeThreadLines(logger: Logger, lines: readonly LogLine[], fields: Record<string, unknown>): void {
  for (const line of lines) logger[line.level]({ ...line.fields, ...fields, time: line.time }, line.msg);
}

/** pino takes 35 ms to load; a gateway that brings its own logger, or wants none, doesn't wait for it. */
function loadPino(): typeof Pino {
  return createRequire(import.meta.url)("pino") as typeof Pino;
}

type Fields = Record<string, unknown>;

const SILENT: Logger = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  child: () => SILENT,
};
