import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { keptResults, wholeRounds } from "../../benchmarks/openclaw/results.ts";
import { tableOf } from "../../benchmarks/openclaw/table.ts";
import { variantsOf, VERSIONS } from "../../benchmarks/openclaw/variants.ts";

const ROOT = join(import.meta.dirname, "..", "..");

describe.each(VERSIONS)("what was measured inside OpenClaw %s", (version) => {
  const { raw, sittings } = keptResults(version);

  it("is of each variant, and of a build that is named", () => {
    expect(Object.keys(raw).toSorted()).toEqual(
      variantsOf(version)
        .map(({ name }) => name)
        .toSorted(),
    );
    expect(sittings.at(-1)?.build).toMatch(/^[\da-f]{64}$/);
  });

  it.each(["README.md", "benchmarks/README.md"])("is what %s shows, figure by figure", (page) => {
    const text = unpadded(readFileSync(join(ROOT, page), "utf8"));
    const rows = unpadded(tableOf(raw)).split("\n");
    for (const row of rows.filter((each) => !each.startsWith("| --- "))) expect(text).toContain(row);
    const [about] = new RegExp(`^\\*\\*OpenClaw ${version}\\*\\*.*$`, "m").exec(text) ?? [""];
    expect(about).toContain(`${wholeRounds(raw)} rounds.`);
  });
});

/** A formatted table's cells are as wide as their column. */
function unpadded(text: string): string {
  return text.replaceAll(/ +\|/g, " |");
}
