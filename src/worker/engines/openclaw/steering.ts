/** Messages to a run that is under way: the runner's session takes them at its next turn boundary, nothing is lost. */

import type { EngineLink } from "../../engine.ts";

/**
 * Passes messages on as they come, as far as the runner can take them; the others stay in the queue.
 * OpenClaw keeps its active runs of a thread under a symbol of its registry, so that all copies of its code meet there.
 * @returns stops passing, and tells what was passed on
 */
export function passOnSteering(sessionId: string, link: EngineLink): () => string[] {
  const passed: string[] = [];
  const pass = (): void => {
    const run = activeRuns()?.get(sessionId);
    if (run === undefined || !run.isStreaming() || run.isCompacting()) return;
    for (const text of link.takeSteering()) {
      passed.push(text);
      // What the session didn't take isn't in its transcript, and is said to it again.
      void run.queueMessage(text).catch(() => undefined);
    }
  };
  // Also what came before the run could take it.
  const timer = setInterval(pass, LOOK_MS);
  timer.unref();
  return () => {
    clearInterval(timer);
    return passed;
  };
}

function activeRuns(): Map<string, ActiveRun> | undefined {
  const state = (globalThis as { [key: symbol]: unknown })[Symbol.for("openclaw.embeddedRunState")];
  const runs = (state as { activeRuns?: unknown } | undefined)?.activeRuns;
  return runs instanceof Map ? (runs as Map<string, ActiveRun>) : undefined;
}

type ActiveRun = { queueMessage(text: string): Promise<void>; isStreaming(): boolean; isCompacting(): boolean };

const LOOK_MS = 100;
