/**
 * File name patterns: `*`, `?`, `[a-z]`, `[!a-z]`, `{a,b}`, `**` for any folders, `\` before a character that is meant as
 * itself. Hidden files match like others. A pattern without a slash is about the name alone, in any folder.
 *
 * Own code because a pattern comes from a model and the thread is shared: the time taken is bounded by pattern length
 * times path length, where Node's `path.matchesGlob` took 26 s for `*a*a*a*a*a*a*a*b` on one name of 61 characters.
 */

import { InprocessError } from "../../errors.ts";

/** Takes posix-slashed relative paths. @throws InprocessError `params_invalid` */
export function compileGlob(pattern: string): (path: string) => boolean {
  if (pattern.trim() === "" || pattern.length > MAX_LENGTH) {
    throw new InprocessError(
      "params_invalid",
      `A file pattern needs 1 to ${MAX_LENGTH} characters, for instance **/*.ts.`,
    );
  }
  const trimmed = pattern.normalize("NFC").replace(/^(?:\.?\/)+/, "");
  const full = trimmed.endsWith("/") || trimmed === "" ? `${trimmed}**` : trimmed;
  const alternatives = expandBraces(full).map(compilePath);
  return (path) => {
    const names = path.normalize("NFC").split("/");
    return alternatives.some((parts) =>
      parts.length === 1 ? matchName(parts[0], names.at(-1) ?? "") : matchSequence(names, parts, matchName),
    );
  };
}

/** `a{b,c}d` → `abd`, `acd`, inside out; a brace without a partner or a comma stays as it is. */
function expandBraces(pattern: string): string[] {
  let open = [pattern];
  const done: string[] = [];
  while (open.length > 0) {
    const next: string[] = [];
    for (const one of open) {
      const brace = one.match(INNERMOST_BRACES);
      if (brace === null) done.push(one);
      else {
        const [all, inside = ""] = brace;
        const tail = one.slice((brace.index ?? 0) + all.length);
        next.push(...inside.split(",").map((choice) => one.slice(0, brace.index) + choice + tail));
      }
    }
    if (next.length + done.length > MAX_ALTERNATIVES) {
      throw new InprocessError("params_invalid", `A file pattern may stand for at most ${MAX_ALTERNATIVES} in braces.`);
    }
    open = next;
  }
  return done;
}

type Wild = typeof ANY_NUMBER;
type CharacterTest = (character: string) => boolean;
/** One name of a path; `ANY_NUMBER` stands for `**`. */
type NamePattern = readonly (CharacterTest | Wild)[] | Wild;

function compilePath(pattern: string): NamePattern[] {
  const parts = pattern
    .split("/")
    .filter((part) => part !== "")
    .map(compileName);
  // `src/**` is about what is in src, not about src itself.
  if (parts.at(-1) === ANY_NUMBER) parts.push([ANY_NUMBER]);
  return parts;
}

function compileName(part: string): NamePattern {
  if (part === "**") return ANY_NUMBER;
  const tests: (CharacterTest | Wild)[] = [];
  for (const [token, set] of part.matchAll(TOKENS)) {
    if (token === "*") tests.push(ANY_NUMBER);
    else if (token === "?") tests.push(() => true);
    else if (set !== undefined) tests.push(characterSet(set));
    else tests.push(exactly(token.length > 1 && token.startsWith("\\") ? token.slice(1) : token));
  }
  return tests;
}

function exactly(wanted: string): CharacterTest {
  return (character) => character === wanted;
}

function characterSet(set: string): CharacterTest {
  const negated = /^[!^]/.test(set);
  const ranges = [...(negated ? set.slice(1) : set).matchAll(RANGES)].map(
    ([one, from = one, to = one]) => [from, to] as const,
  );
  return (character) => ranges.some(([from, to]) => character >= from && character <= to) !== negated;
}

function matchName(pattern: NamePattern | undefined, name: string): boolean {
  if (pattern === undefined || pattern === ANY_NUMBER) return true;
  return matchSequence([...name], pattern, (test, character) => test(character));
}

/** Only the last wild card ever has to take more, which is what keeps this from going back and forth for ever. */
function matchSequence<Item, Part>(
  items: readonly Item[],
  pattern: readonly (Part | Wild)[],
  matches: (part: Part, item: Item) => boolean,
): boolean {
  let at = 0;
  let part = 0;
  let wildAt = -1;
  let wildTook = 0;
  while (at < items.length) {
    if (part < pattern.length && pattern[part] === ANY_NUMBER) {
      wildAt = part++;
      wildTook = at;
    } else if (part < pattern.length && matches(pattern[part] as Part, items[at] as Item)) {
      at += 1;
      part += 1;
    } else if (wildAt === -1) {
      return false;
    } else {
      part = wildAt + 1;
      at = ++wildTook;
    }
  }
  while (pattern[part] === ANY_NUMBER) part += 1;
  return part === pattern.length;
}

const ANY_NUMBER = Symbol("any number");
const TOKENS = /\\.|\[([!^]?\]?[^\]]*)\]|[^]/gsu;
const RANGES = /([^])-([^])|[^]/gsu;
const INNERMOST_BRACES = /\{([^{},]*(?:,[^{},]*)+)\}/;
const MAX_LENGTH = 500;
const MAX_ALTERNATIVES = 256;
