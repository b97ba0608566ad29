/**
 * What a session has answered over its turns. A turn that says nothing, or only one of OpenClaw's tokens for "not to be
 * announced", leaves an earlier answer as it was: so a requester is told to answer a result that changes nothing.
 */

import type { EngineResult } from "../channel/protocol.ts";

export class SpokenAnswer {
  /** The answer that stands; a token alone, or the words beside a yield, while there is none yet. */
  text = "";
  #given = false;

  /** A turn is over. @returns whether what it came to stands from now on, its typed form too */
  heard({ status, text, yielded }: Pick<EngineResult, "status" | "text" | "yielded">): boolean {
    const says = text.trim() !== "";
    const silent = !says || isSilent(text);
    if (silent && this.#given) return false;
    if (says) this.text = text;
    // Who waits for something hasn't answered, whatever stood beside the call.
    if (!silent && status === "ok" && yielded !== true) this.#given = true;
    return true;
  }
}

/** Whether a text is one of the tokens and nothing else. */
export function isSilent(text: string): boolean {
  return SILENT_ANSWERS.has(text.trim());
}

const SILENT_ANSWERS: ReadonlySet<string> = new Set(["ANNOUNCE_SKIP", "NO_REPLY"]);
