/**
 * A child's work as a generator that reads downwards: `yield` a step's tool calls, go on with their results, return
 * the answer. Nothing is kept between model calls: each call plays the script again over the results told so far.
 */

export type ToolRequest = { name: string; args: Record<string, string | number> };
export type ToolReply = { text: string; isError: boolean };
export type Step = { say: string; calls: ToolRequest[] };
/** A part of a script that hands `T` to the part around it. */
export type Part<T> = Generator<Step, T, ToolReply[]>;
export type Script = Part<string>;

/** What the model says next: the first step that has no results yet, or the answer. */
export function play(script: Script, rounds: ToolReply[][]): Step {
  let at = script.next();
  for (const replies of rounds) {
    if (at.done) break;
    // A result that never came is an error like any other.
    at = script.next(at.value.calls.map((_, index) => replies[index] ?? MISSING));
  }
  return at.done ? { say: at.value, calls: [] } : at.value;
}

/** Makes calls side by side; no calls, no step. Replies come in the order of the calls. */
export function* ask(say: string, calls: ToolRequest[]): Part<ToolReply[]> {
  return calls.length === 0 ? [] : yield { say, calls };
}

export const list = (path?: string): ToolRequest => ({ name: "list", args: path === undefined ? {} : { path } });
export const find = (pattern: string): ToolRequest => ({ name: "find", args: { pattern, limit: FIND_LIMIT } });
export const search = (pattern: string, glob: string): ToolRequest => ({
  name: "search",
  args: { pattern, glob, limit: SEARCH_LIMIT },
});
export const read = (path: string, limit: number): ToolRequest => ({ name: "read", args: { path, limit } });

export const FIND_LIMIT = 2_000;
export const SEARCH_LIMIT = 1_000;
const MISSING: ToolReply = { text: "no result came back", isError: true };
