/** Races the main agent's answer against whatever stops it, while its events go to whoever watches. */

import { causeOf, messageOf } from "../../errors.ts";
import type { RunEvent } from "../../events.ts";
import type { Standalone } from "../standalone-host.ts";
import { hasAnswer, type RunEnd } from "./answer.ts";
import type { WriteLine } from "./json-lines.ts";
import type { Show } from "./show.ts";
import type { Stops } from "./stop-signals.ts";
import { applyEvent, endMain, type ViewState } from "./view-state.ts";

export type Watchers = { state: ViewState; show: Show; stops: Stops; writeLine: WriteLine | undefined };

/** Runs the task to its end, whatever that is, closes the host, and lets the show finish. Never rejects for a run's failure. */
export async function runTask(task: string, standalone: Standalone, watchers: Watchers): Promise<RunEnd> {
  const { state, show, stops, writeLine } = watchers;
  const watched = watch(standalone.events({ text: writeLine !== undefined }), watchers);
  const running: Promise<RunEnd> = standalone.run(task).then(
    (result) =>
      result.status === "ok" ? { kind: "answered", result } : { kind: "failed", cause: result.cause, result },
    (error: unknown) => ({ kind: "failed", cause: causeOf(error) }),
  );
  let end = await Promise.race([running, stops.first.then(() => undefined)]);
  end ??= { kind: "stopped", reason: await stops.first, interrupted: (await standalone.interrupt()).interrupted };
  // The answer isn't held back by a thread that won't end.
  if (await doneWithin(standalone.close(), CLOSE_MS)) await watched;
  endMain(state, { ...outcomeOf(end), at: Date.now() });
  show.end();
  return end;
}

/** Folds events into the state and hands them on, no faster than standard output takes them. */
async function watch(events: AsyncIterable<RunEvent>, { state, show, writeLine }: Watchers): Promise<void> {
  try {
    for await (const event of events) {
      applyEvent(state, event);
      show.event(event);
      await writeLine?.(event);
    }
  } catch (error) {
    show.warn(`the events of this run can't be shown any more: ${messageOf(error)}`);
  }
}

function outcomeOf(end: RunEnd): Pick<Parameters<typeof endMain>[1], "outcome" | "usage"> {
  switch (end.kind) {
    case "answered":
      return { outcome: { status: hasAnswer(end) ? "ok" : "error" }, usage: end.result.usage };
    case "failed":
      return {
        outcome: { status: "error", ...(end.cause && { cause: end.cause }) },
        ...(end.result && { usage: end.result.usage }),
      };
    case "stopped":
      return { outcome: { status: "interrupted" } };
  }
}

async function doneWithin(work: Promise<void>, ms: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(resolve, ms, false);
  try {
    return await Promise.race([work.then(() => true), promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** Milliseconds that closing may hold back the answer. */
const CLOSE_MS = 5_000;
