/** What a run is called where its name stands in a text. */

import { clip } from "./clip.ts";

/** Its label, or the beginning of its task; one line, so that it can't pass for another row of a list. */
export function labelOf({ label, task }: { label?: string; task: string }): string {
  const shown = label === undefined ? "" : oneLine(label);
  return shown === "" ? clip(oneLine(task), TASK_CHARS) : shown;
}

/** Without what would end the line, steer a terminal or turn the reading direction of what follows. */
export function oneLine(text: string): string {
  return text.replace(/[\s\p{Cc}\u202A-\u202E\u2066-\u2069]+/gu, " ").trim();
}

const TASK_CHARS = 60;
