/** The README's table of config keys, read into what can be checked. */

import { codeIn, tableIn } from "./markdown.ts";

export type ConfigKey = {
  /** In full, `.*` and `[]` at its end as written. */
  key: string;
  /** The cells beside it, as written. */
  told: string;
  meaning: string;
};

export type Range = { min: number; max?: number };

/** A row may name several keys: `a.b`, `.c` stands for a.c, and `a.{b,c}` for both. Empty when there is no table. */
export function configKeysIn(markdown: string): ConfigKey[] {
  return tableIn(markdown, ["key", "default", "range, meaning"]).flatMap(([names = "", told = "", meaning = ""]) => {
    let parent = "";
    return codeIn(names).flatMap((name) => {
      const full = name.startsWith(".") ? parent + name : name;
      parent = full.slice(0, full.lastIndexOf("."));
      const [, stem = full, list = ""] = /^(.*\.)\{(.*)\}$/.exec(full) ?? [];
      return list.split(",").map((last) => ({ key: stem + last, told, meaning }));
    });
  });
}

/**
 * The range a meaning begins with: `1–64`, `≥ 30000`, or with the name of another key as its upper end.
 * @param valueOf the value of a key beside this one
 */
export function rangeIn(meaning: string, valueOf: (name: string) => unknown): Range | undefined {
  const [, least, from, to] = /^(?:≥ (\d+)|(\d+)–(\d+|`\w+`))/.exec(meaning) ?? [];
  if (least !== undefined) return { min: Number(least) };
  if (from === undefined || to === undefined) return undefined;
  return { min: Number(from), max: Number(to.startsWith("`") ? valueOf(to.slice(1, -1)) : to) };
}

/** A config that holds nothing but this. */
export function holding(path: string, value: unknown): unknown {
  return path
    .replace(/(\.\*|\[\])$/, "")
    .split(".")
    .reduceRight((inner, name) => ({ [name]: inner }), value);
}

/** What stands at a path, undefined when nothing does. */
export function at(value: unknown, path: string): unknown {
  return path
    .replace(/(\.\*|\[\])$/, "")
    .split(".")
    .reduce((inner, name) => (inner as Record<string, unknown> | undefined)?.[name], value);
}

/** The paths of everything in an object that isn't an object itself, and of empty ones with `.*`. */
export function leavesOf(value: unknown, path: string): string[] {
  if (typeof value !== "object" || value === null) return [path];
  const inner = Object.entries(value).flatMap(([name, each]) => leavesOf(each, `${path}.${name}`));
  return inner.length === 0 ? [`${path}.*`] : inner;
}
