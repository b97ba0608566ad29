/** Several results in one message share the room that a requester's context has for them. */

import { wholeStart } from "../sessions/clip.ts";

/**
 * Messages of completions, made shorter until their results have no more than `room` characters in all. Short results
 * stay whole; the long ones get the same share each, and say how much more stands in the transcript.
 */
export function fitTogether(messages: readonly string[], room = TOGETHER_CHARS): string[] {
  const blocks = messages.map((message) => blockOf(message));
  const most = shareOf(
    blocks.map((block) => block?.result.length ?? 0),
    room,
  );
  return messages.map((message, n) => {
    const block = blocks[n];
    return block === undefined || block.result.length <= most ? message : shortened(block, most);
  });
}

/** The most that each may have, so that all of them fit. */
function shareOf(lengths: readonly number[], room: number): number {
  const sorted = lengths.toSorted((a, b) => a - b);
  let left = room;
  for (const [n, length] of sorted.entries()) {
    const share = Math.floor(left / (sorted.length - n));
    if (length > share) return share;
    left -= length;
  }
  return Infinity;
}

/** A completion's message, taken apart at the lines around its result. */
type Block = { before: string; result: string; closing: string; cut: number; after: string };

/** Undefined for a message that a host has written itself. What the child has said can't hold the token. */
function blockOf(message: string): Block | undefined {
  const opening = /^<<<RESULT (\w+)\n/m.exec(message);
  if (opening === null) return undefined;
  const start = opening.index + opening[0].length;
  const closing = `\nRESULT>>> ${opening[1]}\n`;
  const end = message.indexOf(closing, start);
  if (end < 0) return undefined;
  const rest = message.slice(end + closing.length);
  const cut = /^cut: (\d+) characters/.exec(rest);
  return {
    before: message.slice(0, start),
    result: message.slice(start, end),
    closing,
    cut: Number(cut?.[1] ?? 0),
    after: cut === null ? ` more stand in the transcript\n${rest}` : rest.slice(cut[0].length),
  };
}

function shortened({ before, result, closing, cut, after }: Block, most: number): string {
  const shown = wholeStart(result, most);
  return `${before}${shown}${closing}cut: ${cut + result.length - shown.length} characters${after}`;
}

/** About 24,000 tokens, twice what one result may have by itself: a turn that 20 children report to stays possible. */
const TOGETHER_CHARS = 96_000;
