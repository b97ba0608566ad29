import { readFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { describe, expect, it } from "vitest";
import { load } from "../../benchmarks/lib/files.ts";
import { NAMES } from "../../benchmarks/lib/names.ts";

const FOLDER = join(import.meta.dirname, "..", "..", "benchmarks");

describe("npm run bench -- --quick", () => {
  it.each(NAMES)(
    "measures every figure and every cell of %s, judges none and writes nothing",
    async (name) => {
      const readme = readFileSync(join(FOLDER, "README.md"), "utf8");
      const { figures, tables = [] } = await load(name, { quick: true });
      const { stdout, stderr, exitCode } = await bench("--quick", name);
      expect({ stderr, exitCode }).toEqual({ stderr: "", exitCode: 0 });
      const shown = stdout.split("\n").filter((line) => line.startsWith("  "));
      for (const [row, { what }] of figures.entries()) {
        expect(shown[row]).toContain(what);
        expect(shown[row]!.replace(what, "")).toMatch(/\d/);
      }
      for (const { title, rows } of tables) {
        const head = shown.indexOf(`  ${title}`);
        expect(head).toBeGreaterThan(0);
        for (const [row, { what }] of rows.entries()) expect(shown[head + 2 + row]).toContain(what);
      }
      expect(stdout.split("\n")[0]).toBe(
        "quick: small sizes and few rounds; this shows that the benchmarks work, the figures say nothing",
      );
      expect(stdout).not.toMatch(/≤|\bmet\b|\bmissed\b|–|NaN/);
      expect(readFileSync(join(FOLDER, "README.md"), "utf8")).toBe(readme);
    },
    300_000,
  );

  it("refuses a name that isn't one, and says which there are", async () => {
    const { exitCode, stderr } = await bench("no-such-benchmark");
    expect(exitCode).toBe(2);
    expect(stderr).toContain("There is no benchmark no-such-benchmark; choose from spawn-latency,");
  });

  it.each([
    [["--rounds", "few", "abort"], "--rounds takes a number from 1, not few."],
    [["--round", "3"], "Unknown option '--round'; the options are --quick, --report, --rounds."],
    [["--rounds"], "Option '--rounds <value>' argument missing; the options are --quick, --report, --rounds."],
    [["--quick", "--rounds", "2", "abort"], "--quick is one round; leave --rounds away."],
    [["--report", "scale"], "--report measures nothing and writes of every benchmark; give it alone."],
    [["--quick", "--report"], "--report measures nothing and writes of every benchmark; give it alone."],
  ])("refuses %j in one sentence", async (args, sentence) => {
    const { exitCode, stderr } = await bench(...args);
    expect(exitCode).toBe(2);
    expect(stderr.trim()).toBe(sentence);
  });
});

it.each([
  [["--only", "nobody"], /^There is no variant nobody; choose from core 2026\.4\.1; /],
  [["--openclaw", "2026.1.1"], /^There are no variants of OpenClaw 2026\.1\.1; choose from 2026\.4\.1; 2026\.9\.6\.$/],
  [
    ["--openclaw", "2026.9.6", "--only", "pi, 2026.4.1"],
    /^There is no variant pi, 2026\.4\.1; choose from core 2026\.9\.6; pi, 2026\.9\.6\.$/,
  ],
  [["--continue", "--only", "pi, 2026.4.1"], /^--only writes nothing to --continue with\.$/],
  [["--rounds", "0"], /^--rounds takes a number from 1, not 0\.$/],
])("npm run bench:openclaw refuses %j in one sentence, and starts no gateway", async (args, sentence) => {
  const { exitCode, stderr, stdout } = await execa(process.execPath, [join(FOLDER, "openclaw", "run.ts"), ...args], {
    reject: false,
  });
  expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
  expect(stderr.trim()).toMatch(sentence);
});

describe("every benchmark", () => {
  it.each(NAMES)("%s plots and shows only what a table or figure of it measures", async (name) => {
    const { figures, tables = [], plot } = await load(name, { quick: false });
    const known = [
      ...figures.map(({ metric }) => metric),
      ...tables.flatMap(({ rows }) => rows.flatMap((row) => row.cells.flat())),
    ];
    for (const panel of plot?.panels ?? []) {
      // What is longer runs into the panel beside it.
      expect(panel.title.length).toBeLessThan(42);
      const metrics =
        panel.kind === "lines" ? panel.series.flatMap((one) => one.metrics) : panel.bars.map((bar) => bar.metric);
      expect(known).toEqual(expect.arrayContaining(metrics));
      const shown = panel.kind === "lines" ? (panel.x.shown ?? []) : [];
      // Another value, another label.
      expect(new Set(shown).size).toBe(shown.length);
    }
    for (const { columns, rows } of tables) {
      for (const { cells } of rows) expect(cells).toHaveLength(columns.length);
    }
  });
});

function bench(...args: string[]) {
  return execa(process.execPath, [join(FOLDER, "run.ts"), ...args], { reject: false });
}
