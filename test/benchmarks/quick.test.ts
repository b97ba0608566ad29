import { readFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { describe, expect, it } from "vitest";
import type { Benchmark } from "../../benchmarks/lib/benchmark.ts";
import { NAMES } from "../../benchmarks/lib/names.ts";

const FOLDER = join(import.meta.dirname, "..", "..", "benchmarks");

describe("npm run bench -- --quick", () => {
  // At once: most of a benchmark is waiting, and what it measures isn't looked at.
  it.concurrent.each(NAMES)(
    "measures every figure of %s, judges none and writes nothing",
    async (name) => {
      const readme = readFileSync(join(FOLDER, "README.md"), "utf8");
      const { benchmark } = (await import(`../../benchmarks/${name}.ts`)) as { benchmark: Benchmark };
      const { stdout } = await bench("--quick", name);
      const table = stdout.split("\n").filter((line) => line.startsWith("  "));
      for (const [row, { what, quickWhat = what }] of benchmark.figures.entries()) {
        expect(table[row]).toContain(quickWhat);
        expect(table[row]!.replace(quickWhat, "")).toMatch(/\d/);
      }
      expect(stdout.split("\n")[0]).toBe(
        "quick: small sizes and few rounds; this shows that the benchmarks work, the figures say nothing",
      );
      expect(stdout).not.toMatch(/≤|\bmet\b|\bmissed\b|\d KB|1,000/);
      expect(stdout).not.toContain("NaN");
      expect(readFileSync(join(FOLDER, "README.md"), "utf8")).toBe(readme);
    },
    300_000,
  );

  it("refuses a name that isn't one, and says which there are", async () => {
    const { exitCode, stderr } = await bench("no-such-benchmark");
    expect(exitCode).toBe(2);
    expect(stderr).toContain("There is no benchmark no-such-benchmark; choose from spawn-accepted,");
  });
});

function bench(...args: string[]) {
  return execa(process.execPath, [join(FOLDER, "run.ts"), ...args], { reject: args.includes("--quick") });
}
