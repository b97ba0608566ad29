/** Who hears of the run on standard error, and how: a live tree, plain lines, or warnings alone. */

import { createLogUpdate } from "log-update";
import type { RunEvent } from "../../events.ts";
import { terminalLine } from "./terminal-text.ts";
import { plainHeader, plainStory } from "./view-plain.ts";
import { renderFrame, summary } from "./view-frame.ts";
import type { ViewState } from "./view-state.ts";

export type ShowMode = "tree" | "plain" | "warnings";

/** The state is folded by the caller; a show only looks at it. */
export interface Show {
  /** An event that is already in the state. */
  event(event: RunEvent): void;
  /** A sentence that stays in view, whatever the mode. */
  warn(sentence: string): void;
  /** The main agent has ended: what stays on the screen is written. */
  end(): void;
}

export type ShowStream = NodeJS.WritableStream & { isTTY?: boolean; columns?: number; rows?: number };

/** @param options.json standard output carries events: on a terminal shared with them there is no place for a tree */
export function showMode(options: {
  quiet: boolean;
  json: boolean;
  stdoutIsTerminal: boolean;
  stderrIsTerminal: boolean;
  env: NodeJS.ProcessEnv;
}): ShowMode {
  if (options.quiet || (options.json && options.stdoutIsTerminal && options.stderrIsTerminal)) return "warnings";
  return options.stderrIsTerminal && options.env.TERM !== "dumb" ? "tree" : "plain";
}

export function createShow(mode: ShowMode, state: ViewState, stderr: ShowStream, env: NodeJS.ProcessEnv): Show {
  if (mode === "tree") return treeShow(state, stderr, (env.NO_COLOR ?? "") === "");
  return mode === "plain" ? plainShow(state, stderr) : warningsShow(state, stderr);
}

function treeShow(state: ViewState, stderr: ShowStream, colour: boolean): Show {
  const log = createLogUpdate(stderr);
  const frame = (height?: number) =>
    renderFrame(state, {
      // The last column stays free: some terminals wrap a line that fills it.
      width: Math.max(1, (stderr.columns ?? 80) - 1),
      ...(height === undefined ? {} : { height }),
      now: Date.now(),
      colour,
    }).join("\n");
  // One line is the cursor's.
  const draw = () => log(frame(Math.max(1, (stderr.rows ?? 24) - 1)));
  draw();
  const timer = setInterval(draw, FRAME_MS);
  timer.unref();
  stderr.on("resize", draw);
  return {
    event() {
      // The next frame shows it.
    },
    warn(sentence) {
      log.persist(warning(sentence));
      draw();
    },
    end() {
      clearInterval(timer);
      stderr.off("resize", draw);
      // An empty line, since the answer often follows on the same screen.
      log.persist(`${frame()}\n\n`);
      log.done();
    },
  };
}

function plainShow(state: ViewState, stderr: ShowStream): Show {
  const write = (line: string) => void stderr.write(`${line}\n`);
  const story = plainStory(state);
  write(plainHeader(state));
  return {
    event(event) {
      for (const line of story(event)) write(line);
    },
    warn: (sentence) => write(warning(sentence)),
    end: () => write(summary(state, Date.now())),
  };
}

function warningsShow(state: ViewState, stderr: ShowStream): Show {
  const write = (sentence: string) => void stderr.write(`${warning(sentence)}\n`);
  const story = plainStory(state);
  return {
    event(event) {
      if (event.type === "undelivered") story(event).forEach(write);
    },
    warn: write,
    end: () => undefined,
  };
}

function warning(sentence: string): string {
  return `warning: ${terminalLine(sentence)}`;
}

/** Ten frames a second at most. */
const FRAME_MS = 100;
