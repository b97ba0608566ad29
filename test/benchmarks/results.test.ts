import { describe, expect, it } from "vitest";
import { toResult } from "../../benchmarks/lib/results.ts";
import { median, percentile, rounded } from "../../benchmarks/lib/statistics.ts";
import { changesOfBuild, goOn, type Results } from "../../benchmarks/openclaw/results.ts";

describe("statistics of benchmarks", () => {
  it("take the middle of odd and even counts", () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 2, 3])).toBe(2.5);
    expect(median([])).toBeNaN();
  });

  it("take a percentile from the values that were measured", () => {
    const hundred = Array.from({ length: 100 }, (_, n) => n + 1);
    expect(percentile(hundred, 0.95)).toBe(95);
    expect(percentile(hundred, 1)).toBe(100);
    expect(percentile([7], 0.95)).toBe(7);
  });

  it("keep three digits", () => {
    expect([rounded(1234.5), rounded(0.012345), rounded(1.0049)]).toEqual([1230, 0.012, 1]);
  });
});

describe("a benchmark's result", () => {
  const machine = { cpu: "x", cores: 1, memoryGb: 1, platform: "x", node: "v0", load: 0 };
  const about = { name: "n", question: "q", command: "c", machine, build: "b", day: "2026-01-02", rounds: 3 };

  it("is the median over processes of each one's middle, with the 95th percentile of all", () => {
    const runs = [{ a: [1, 2, 3] }, { a: [10, 20, 30] }, { a: [4, 5, 6] }];
    const { lines, metrics } = toResult(about, [{ what: "w", metric: "a", unit: "ms", goal: 5 }], runs);
    expect(lines).toEqual([{ what: "w", metric: "a", unit: "ms", goal: 5, measured: 5, p95: 30 }]);
    const raw = [
      [1, 2, 3],
      [10, 20, 30],
      [4, 5, 6],
    ];
    expect(metrics).toEqual({ a: { p50: 5, p95: 30, raw } });
  });

  it("keeps every value in the order in which they were measured, and tells its figures from those", () => {
    const values = Array.from({ length: 101 }, (_, n) => 100 - n + 0.12345);
    const { metrics, lines } = toResult(
      about,
      [{ what: "w", metric: "a", unit: "ms" }],
      [{ a: values }, { a: [7.00949] }],
    );
    const [first, second] = metrics["a"]!.raw;
    expect([first!.length, first![0], first![1], first![100], second]).toEqual([101, 100.1, 99.12, 0.1235, [7.009]]);
    const middle = rounded(median([median(first!), median(second!)]));
    expect([metrics["a"]!.p50, lines[0]!.measured]).toEqual([middle, middle]);
    expect(metrics["a"]!.p95).toBe(rounded(percentile([...first!, ...second!], 0.95)));
  });

  it("takes each process's largest where a figure asks for it", () => {
    const { lines } = toResult(about, [{ what: "w", metric: "a", unit: "", take: "max" }], [{ a: [0, 0, 1] }]);
    expect(lines[0]?.measured).toBe(1);
  });

  it("refuses a figure that nothing measured", () => {
    expect(() => toResult(about, [{ what: "w", metric: "b", unit: "ms" }], [{ a: [1] }])).toThrow(
      'No variant of n measured "b"',
    );
  });
});

describe("rounds of gateways that are gone on with", () => {
  const machine = { cpu: "x", cores: 1, memoryGb: 1, platform: "x", node: "v0", load: 0 };
  const none: Results = { sittings: [], raw: {}, failed: ["core: lost"] };
  const round = (n: number) => ({ floor: [n] });
  const begun = { ...goOn(none, machine, "old"), raw: { core: [round(1), round(2)], plugin: [round(1)] } };

  it("keep half a round of the same build", () => {
    const { sittings, raw, failed } = goOn(begun, machine, "old");
    expect(raw).toEqual(begun.raw);
    expect(sittings.map(({ round }) => round)).toEqual([1, 2]);
    expect([changesOfBuild(sittings), failed]).toEqual([[], ["core: lost"]]);
  });

  it("begin half a round of another build anew, and tell where the build changed", () => {
    const { sittings, raw } = goOn(begun, machine, "new");
    expect(raw).toEqual({ core: [round(1)], plugin: [round(1)] });
    expect(changesOfBuild(sittings)).toEqual([2]);
    expect(changesOfBuild(goOn({ sittings, raw, failed: [] }, machine, "new").sittings)).toEqual([2]);
  });
});
