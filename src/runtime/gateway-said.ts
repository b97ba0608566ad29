/** What a gateway said, as an error may hold it: not at any length, and without secrets, which models' servers repeat too. */

import { redactText } from "../redact.ts";
import { clip, wholeStart } from "../sessions/clip.ts";

/** @param secrets exact values that it must not hold, beside what looks like one */
export function shownSaid(text: string, secrets: readonly string[]): string {
  // Shortened last, as half a secret isn't known for one; and first of all, as a gateway may say megabytes.
  return clip(redactText(wholeStart(text, READ), secrets), SHOWN);
}

const READ = 10_000;
const SHOWN = 500;
