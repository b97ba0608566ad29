import { describe, expect, it } from "vitest";
import type { Plot } from "../../benchmarks/lib/benchmark.ts";
import { differingBuilds } from "../../benchmarks/lib/differing-builds.ts";
import { knownMetrics } from "../../benchmarks/lib/files.ts";
import { headline } from "../../benchmarks/lib/headline.ts";
import { linearScale, logScale, shownNumber } from "../../benchmarks/lib/plot-scale.ts";
import { plotSvg } from "../../benchmarks/lib/plot.ts";
import type { Metric, Result } from "../../benchmarks/lib/results.ts";
import { detailTable, goalsTable } from "../../benchmarks/lib/tables.ts";

const METRICS: Result["metrics"] = { a1: metric(2), a10: metric(20), b: { p50: 1, p95: 7, raw: [[1, 7]] } };

const KNOWN = await knownMetrics();

describe("the scales of a plot", () => {
  it("put ten times as much as far away each time", () => {
    const { at, ticks } = logScale([2, 20, 300], [0, 300]);
    expect(ticks).toEqual([1, 10, 100, 1000]);
    expect([1, 10, 100, 1000].map(at).map(Math.round)).toEqual([0, 100, 200, 300]);
    expect(at(0)).toBe(0);
  });

  it("have a line for every power of ten between the values where they aren't rounded", () => {
    expect(logScale([1, 5, 16, 64], [0, 100], false).ticks).toEqual([1, 10]);
  });

  it("go up in round steps", () => {
    const { at, ticks } = linearScale([0, 284], [200, 0]);
    expect(ticks).toEqual([0, 100, 200, 300]);
    expect(at(300)).toBe(0);
    expect(linearScale([], [0, 1]).ticks.length).toBeGreaterThan(1);
    expect(linearScale([5, 5], [0, 1]).ticks).toContain(5);
  });

  it("shorten numbers", () => {
    expect([0.0312, 40, 1_500, 200_000].map(shownNumber)).toEqual(["0.0312", "40", "1.5k", "200k"]);
  });
});

describe("a plot", () => {
  const plot: Plot = {
    title: "Slow & <fast>",
    panels: [
      {
        kind: "lines",
        title: "Call",
        x: { label: "children", values: [1, 10], log: true },
        y: { label: "ms", log: true },
        series: [
          { name: "one way", metrics: ["a1", "a10"] },
          { name: "another", metrics: ["b", "not measured"] },
        ],
      },
      { kind: "bars", title: "Start", y: { label: "s" }, bars: [{ name: "ready", metric: "a1" }] },
    ],
  };
  const svg = plotSvg(plot, METRICS);

  it("names what is compared, its axes and its series, and escapes them", () => {
    for (const word of [
      "Slow &#38; &#60;fast&#62;",
      ">Call<",
      ">children<",
      ">ms<",
      ">one way<",
      ">another<",
      ">ready<",
    ])
      expect(svg).toContain(word);
    expect(svg).not.toContain("<fast>");
  });

  it("draws a point for each value, and none for what wasn't measured", () => {
    const points = [...svg.matchAll(/<polyline class="(s\d) line" points="([^"]*)"/g)].map(([, color, at]) => [
      color,
      at!.split(" ").length,
    ]);
    expect(points).toEqual([
      ["s0", 2],
      ["s1", 1],
    ]);
    expect(svg).not.toMatch(/NaN|undefined|Infinity/);
  });

  it("has colours for light and for dark pages", () => {
    expect(svg).toContain("prefers-color-scheme:dark");
  });
});

describe("the tables", () => {
  it("show a median with its 95th percentile, or several medians, or that nothing was measured", () => {
    const rows = [{ what: "x", cells: [["b"], ["a1", "a10"], ["none"], ["a1"]] }];
    expect(detailTable({ title: "t", columns: ["1", "2", "3", "4"], rows }, METRICS)).toBe(
      "| t | 1 | 2 | 3 | 4 |\n| --- | --- | --- | --- | --- |\n| x | 1 (7) | 2 / 20 | – | 2 |",
    );
  });

  it("say of each goal whether it is met, the goal itself included", () => {
    const table = goalsTable([result({ x: 0.3, y: 0.31 })]);
    expect(table).toContain("| what x | ≤ 0.3 ms | 0.3 ms | 0.3 ms | met | `n` | 20 | 1.5 | 2026-01-02 |");
    expect(table).toContain("| what y | ≤ 0.3 ms | 0.31 ms | 0.31 ms | missed |  |  |  |  |");
  });
});

describe("benchmarks that were measured with several builds", () => {
  const of = (...builds: string[]) => builds.map((build, n) => ({ ...result({}), name: `n${n}`, build }));

  it("are told apart, the fewer from the rest", () => {
    const told = "Measured with another build than the rest: `n0`, `n3`.";
    expect(differingBuilds(of("old", "new", "new", "older", "new"))).toEqual([told]);
    expect(headline(of("old", "new", "new", "older", "new"), KNOWN)).toContain(told);
  });

  it("aren't spoken of where all are of one", () => {
    expect(differingBuilds(of("new", "new"))).toEqual([]);
    expect(differingBuilds([])).toEqual([]);
  });
});

describe("the headline", () => {
  const figures = { "in-process.accepted.n1": 0.2, "in-process.accepted.n5": 0.3, "in-process.accepted.n16": 2 };
  const text = headline([result({ ...figures, "kept.accepted.n1": 2.5, "per-call.accepted.n1": 8 })], KNOWN);

  it("holds the rows that were measured, with their goals, and counts those missed", () => {
    expect(text).toContain(
      "| spawn call → accepted, n=1 / last of 5 / last of 16 | 0.2 / 0.3 / 2 ms | 0.3 / 0.3 / 0.3 ms |",
    );
    expect(text).not.toContain("abort mid-stream");
    expect(text).toContain("Of 5 goals 3 are missed");
  });

  it("gives each value its own unit where they differ", () => {
    const [ahead, turns] = result({ "ahead.20": 2, "turns.20": 0.9 }).lines;
    const fairness = {
      ...result({}),
      lines: [
        { ...ahead!, unit: "" as const },
        { ...turns!, unit: "×" as const },
      ],
    };
    expect(headline([fairness], KNOWN)).toContain("| 2; 0.9× | 0.3; 0.3× |");
  });

  it("refuses a row of figures that no benchmark has", () => {
    expect(() => headline([], new Set(["in-process.accepted.n1"]))).toThrow(
      'The front page asks for "in-process.accepted.n5", which no benchmark has a figure of.',
    );
  });

  it("sets the reference gateway beside them", () => {
    expect(text).toContain("| spawn call → accepted | 0.2 / 0.3 / 2 / – | 2.5 / – / – / – | 8 / – / – / – |");
    expect(text).toContain("The transport alone differs");
  });
});

function metric(value: number): Metric {
  return { p50: value, p95: value, raw: [[value]] };
}

function result(values: Record<string, number>): Result {
  return {
    ...{ name: "n", question: "q", command: "c", build: "b", day: "2026-01-02", rounds: 20 },
    machine: { cpu: "x", cores: 2, memoryGb: 1, platform: "p", node: "v0", load: 1.5 },
    lines: Object.entries(values).map(([name, measured]) => ({
      ...{ what: `what ${name}`, metric: name, unit: "ms" as const, goal: 0.3 },
      ...{ measured, p95: measured },
    })),
    metrics: Object.fromEntries(Object.entries(values).map(([name, value]) => [name, metric(value)])),
  };
}
