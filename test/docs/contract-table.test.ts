/** The README's table of the contract: every row names tests, and they are there. */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { readDoc, ROOT, tableIn } from "./markdown.ts";

const rows = tableIn(readDoc("README.md"), ["feature", "shown by"]);
const features = rows.filter(([, shownBy]) => shownBy !== "");

describe("the contract, row by row", () => {
  it("has a row for each feature, in its groups", () => {
    expect(features.length).toBeGreaterThan(50);
    for (const [name] of rows.filter(([, shownBy]) => shownBy === "")) expect(name).toMatch(/^\*\*.+\*\*$/);
  });

  it.each(features)("%s", (_feature, shownBy) => {
    const named = [...shownBy.matchAll(/\[([\w./-]+)\]\((test\/[\w./-]+)\) “([^”]+)”/g)];
    expect(shownBy.split(" · ")).toHaveLength(named.length);
    for (const [, name, path, title] of named) {
      expect(path).toBe(`test/${name!}.test.ts`);
      expect(existsSync(join(ROOT, path!)), path).toBe(true);
      expect(titlesIn(readDoc(path!))).toContain(title);
    }
  });
});

/** What the tests of a file are called, as it stands there. */
function titlesIn(source: string): string[] {
  const calls = source.matchAll(/^ *(?:it|test)(?:\.each[^]*?\))?\(\s*(["'`])((?:\\.|(?!\1).)+)\1/gm);
  return [...calls, ...source.matchAll(/^ *\]\)\((["'`])((?:\\.|(?!\1).)+)\1/gm)].map((call) =>
    call[2]!.replaceAll(/\\(["'`])/g, "$1"),
  );
}
