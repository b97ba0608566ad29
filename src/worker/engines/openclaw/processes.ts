/** Tells the host of each OS process that a run starts, so that it can end them when the thread can't any more. */

import { AsyncLocalStorage } from "node:async_hooks";
import { subscribe } from "node:diagnostics_channel";
import type { EngineLink } from "../../engine.ts";

/** Runs `work`; Node announces each process that is started in it, however deep below. */
export function watchProcesses<T>(link: Pick<EngineLink, "process">, work: () => Promise<T>): Promise<T> {
  if (!watching) subscribe("child_process", started);
  watching = true;
  return runs.run(link, work);
}

function started(message: unknown): void {
  const link = runs.getStore();
  const child = (message as { process?: Started }).process;
  if (link === undefined || child === undefined) return;
  // Announced before it has its id.
  child.once("spawn", () => {
    const { pid } = child;
    if (pid === undefined) return;
    link.process(pid, true);
    child.once("exit", () => link.process(pid, false));
  });
}

type Started = { pid?: number; once(event: "spawn" | "exit", listener: () => void): void };

const runs = new AsyncLocalStorage<Pick<EngineLink, "process">>();
let watching = false;
