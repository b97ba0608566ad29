/**
 * What a thread runs. piscina calls these exports by name; each `run` carries one turn of one session, and a thread
 * carries many at once.
 */

import type { MessagePort } from "node:worker_threads";
import type { EngineTask } from "../channel/protocol.ts";
import { runTask } from "./run-task.ts";
import { warmUp, type WarmEngine } from "./warm-up.ts";

/** Resolves when the run has let go of the thread: its tools have returned, its transcript is closed. */
export async function run({ task, port }: { task: EngineTask; port: MessagePort }): Promise<void> {
  await turnToStart();
  await runTask(task, port);
}

/** Shows that the file has loaded. */
export function ping(): void {}

/** One whole engine run, so that the first real one finds everything compiled. @returns why that failed, in words */
export async function warm({ dir, engine }: { dir: string; engine?: WarmEngine }): Promise<string | undefined> {
  return warmUp(dir, engine);
}

/** The same in a thread that is started for it: the pool tells the two apart by their names. */
export const grow = warm;

/** Lets a few runs start in each turn of the loop when many arrive at once, so that the first ones get to their model call. */
async function turnToStart(): Promise<void> {
  while (startsLeft === 0) await nextTurn();
  if (startsLeft === STARTS_PER_TURN) setImmediate(() => (startsLeft = STARTS_PER_TURN));
  startsLeft -= 1;
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

const STARTS_PER_TURN = 4;
let startsLeft = STARTS_PER_TURN;
