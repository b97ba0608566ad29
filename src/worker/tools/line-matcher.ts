/**
 * Decides which lines match a pattern a model wrote.
 *
 * A regular expression can take for ever on a short line (`(a+)+$`), and nothing in JavaScript interrupts one but V8's
 * own termination: patterns that could are run through `vm` with a time limit, a batch of lines at a time. So a bad
 * pattern holds the thread for a quarter of a second, then fails by name.
 */

import { createContext, Script } from "node:vm";
import { InprocessError, messageOf } from "../../errors.ts";

/**
 * @returns a function that gives the indices of the lines that match, in order; it throws `params_invalid` when the
 * pattern takes too long
 * @throws InprocessError `params_invalid` for a pattern that can't be used
 */
export function createLineMatcher(
  pattern: string,
  options: { literal: boolean; ignoreCase: boolean },
): (lines: readonly string[]) => number[] {
  if (pattern === "" || pattern.length > MAX_PATTERN) {
    throw new InprocessError("params_invalid", `search needs a pattern of 1 to ${MAX_PATTERN} characters.`);
  }
  if (options.literal) return literalMatcher(pattern, options.ignoreCase);
  const regex = compile(pattern, options.ignoreCase);
  const match = (lines: readonly string[]) => indicesWhere(lines, (line) => regex.test(line));
  const tame = isTame(pattern);
  return (lines) => (tame(lines) ? match(lines) : withinTime(pattern, () => match(lines)));
}

function literalMatcher(text: string, ignoreCase: boolean): (lines: readonly string[]) => number[] {
  if (!ignoreCase) return (lines) => indicesWhere(lines, (line) => line.includes(text));
  const folded = text.toLowerCase();
  return (lines) => indicesWhere(lines, (line) => line.toLowerCase().includes(folded));
}

/** Other tools' `(?i)` in front is understood; `u` only where it is needed, as it is strict about stray backslashes. */
function compile(pattern: string, ignoreCase: boolean): RegExp {
  const inline = pattern.startsWith("(?i)");
  const source = inline ? pattern.slice(4) : pattern;
  const flags = (ignoreCase || inline ? "i" : "") + (/\\[pP]\{/.test(source) ? "u" : "");
  try {
    return new RegExp(source, flags);
  } catch (cause) {
    throw unusable(cause);
  }
}

/**
 * Tells for which lines the time limit, itself a tenth of a millisecond, isn't needed: with no choice and one repeat at
 * most, a pattern takes the square of a line's length at worst.
 */
function isTame(pattern: string): (lines: readonly string[]) => boolean {
  if (/\||\\[1-9k]/.test(pattern)) return () => false;
  const repeats = pattern.match(/[*+?{]/g)?.length ?? 0;
  if (repeats === 0) return () => true;
  return repeats > 1 ? () => false : (lines) => lines.every((line) => line.length <= TAME_LINE);
}

function withinTime<T>(pattern: string, work: () => T): T {
  slot.work = work;
  try {
    return call.runInContext((context ??= createContext(slot)), { timeout: TIME_LIMIT_MS }) as T;
  } catch (cause) {
    // A pattern too large to compile shows only when it is first used.
    if (!isTimeout(cause)) throw unusable(cause);
    throw new InprocessError(
      "params_invalid",
      `search gave up: the pattern ${pattern.slice(0, 80)} takes too long on some line; make it simpler, without repeats inside repeats.`,
      { cause },
    );
  } finally {
    slot.work = undefined;
  }
}

function unusable(cause: unknown): InprocessError {
  const message = `search can't use the pattern: ${messageOf(cause)}; correct it, or set literal to search for the text as it is.`;
  return new InprocessError("params_invalid", message, { cause });
}

function isTimeout(error: unknown): boolean {
  // No Error of this realm: it is made in the context's own.
  return typeof error === "object" && error !== null && "code" in error && error.code === TIMED_OUT;
}

function indicesWhere(lines: readonly string[], test: (line: string) => boolean): number[] {
  const indices: number[] = [];
  for (const [index, line] of lines.entries()) if (test(line)) indices.push(index);
  return indices;
}

const MAX_PATTERN = 1000;
const TIME_LIMIT_MS = 250;
const TIMED_OUT = "ERR_SCRIPT_EXECUTION_TIMEOUT";
const TAME_LINE = 1000;

// One for the thread: the work is synchronous, so no two searches are in it at once.
const slot: { work: (() => unknown) | undefined } = { work: undefined };
const call = new Script("work()");
let context: object | undefined;
