/** One shell command from start to end: all the ways it can end meet here, the first one is told. */

import type { Readable } from "node:stream";
import { StringDecoder } from "node:string_decoder";
import { killGroup, killTree } from "../../kill-tree.ts";
import { OutputTail } from "./output-tail.ts";
import { MAX_OUTPUT_BYTES } from "./tool.ts";

export type CommandEnd = {
  /** Null when it was ended by a signal or by us, or never started. */
  exitCode: number | null;
  signal?: string;
  timedOut: boolean;
  aborted: boolean;
  /** Why it didn't start. */
  failure?: string;
  /** The end of what it wrote to both streams. */
  output: string;
  bytes: number;
  droppedBytes: number;
  ms: number;
};

export type Command = {
  command: string;
  cwd: string;
  /** All the environment it gets. */
  env: Record<string, string>;
  timeoutSeconds: number;
  onProcess: (pid: number, alive: boolean) => void;
};

/** Never rejects for what a command can do. The process and its tree are gone when it resolves, as far as that can be had. */
export async function runCommand(options: Command, signal: AbortSignal): Promise<CommandEnd> {
  // Loaded when first needed: most runs never start a process.
  const { execa } = await import("execa");
  signal.throwIfAborted();
  const started = performance.now();
  const tail = new OutputTail(MAX_OUTPUT_BYTES);
  const child = execa(options.command, {
    shell: true,
    cwd: options.cwd,
    env: options.env,
    extendEnv: false,
    stdin: "ignore",
    buffer: false,
    reject: false,
    cleanup: false,
    windowsHide: true,
    // A process group of its own, so that the whole of it can be ended at once.
    detached: process.platform !== "win32",
  });
  const settled = child.then((result) => result);
  const { pid } = child;
  if (pid === undefined) {
    const { originalMessage } = await settled;
    return ended({ exitCode: null, failure: originalMessage ?? "no process" }, tail, started);
  }
  options.onProcess(pid, true);
  const exited = new Promise<{ exitCode: number | null; signal?: string }>((resolve) => {
    child.nodeChildProcess.once("exit", (exitCode, by) =>
      resolve(by === null ? { exitCode } : { exitCode, signal: by }),
    );
  });
  // Also when it outlives this call: the host goes by this to know what is left to end.
  void exited.then(() => options.onProcess(pid, false));
  const drained = Promise.all([collect(child.stdout, tail), collect(child.stderr, tail)]);

  const { promise: given, resolve: give } = Promise.withResolvers<{ exitCode: null }>();
  let stopped: "timedOut" | "aborted" | undefined;
  const stop = (why: "timedOut" | "aborted"): void => {
    stopped ??= why;
    void killTree(pid);
    setTimeout(() => give({ exitCode: null }), UNKILLABLE_MS).unref();
  };
  const timer = setTimeout(() => stop("timedOut"), Math.min(options.timeoutSeconds * 1000, LONGEST_TIMER_MS));
  const onAbort = (): void => stop("aborted");
  signal.addEventListener("abort", onAbort, { once: true });
  const exit = await Promise.race([exited, given]);
  clearTimeout(timer);
  signal.removeEventListener("abort", onAbort);

  killGroup(pid);
  await Promise.race([drained, new Promise((resolve) => setTimeout(resolve, DRAIN_MS).unref())]);
  child.stdout.destroy();
  child.stderr.destroy();
  // A shell whose command was ended under it may still give a code of its own, which says nothing.
  return ended(stopped === undefined ? exit : { exitCode: null, [stopped]: true }, tail, started);
}

/** Resolved when the stream has ended, however. */
function collect(stream: Readable, tail: OutputTail): Promise<void> {
  const decoder = new StringDecoder("utf8");
  stream.on("data", (chunk: Buffer) => tail.add(decoder.write(chunk), chunk.length));
  return new Promise((resolve) => {
    stream.once("end", () => tail.add(decoder.end(), 0));
    stream.once("close", resolve);
    stream.on("error", () => resolve());
  });
}

function ended(how: Partial<CommandEnd>, tail: OutputTail, started: number): CommandEnd {
  const { text, bytes, droppedBytes } = tail.take();
  const ms = Math.round(performance.now() - started);
  return { exitCode: null, timedOut: false, aborted: false, ...how, output: text, bytes, droppedBytes, ms };
}

/** Something that left the group may hold the output open; it isn't waited for. */
const DRAIN_MS = 500;
const UNKILLABLE_MS = 5000;
/** A timer set to more goes off at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;
