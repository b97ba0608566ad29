/** The library's own figures for the front page, and the reference gateway beside them. */

import { differingBuilds } from "./differing-builds.ts";
import { shownMachine } from "./machine.ts";
import { NAMES } from "./names.ts";
import type { Line, Result } from "./results.ts";
import { markdown, shownValue } from "./tables.ts";

/**
 * @param known the metrics of all benchmarks' figures; rows that weren't measured are left out
 * @throws Error when a row asks for a figure that no benchmark has
 */
export function headline(results: readonly Result[], known: ReadonlySet<string>): string {
  const strange = ROWS.flatMap(({ metrics }) => metrics).find((metric) => !known.has(metric));
  if (strange !== undefined)
    throw new Error(`The front page asks for "${strange}", which no benchmark has a figure of.`);
  const lines = results.flatMap(({ lines }) => lines);
  const byMetric = new Map(lines.map((line) => [line.metric, line]));
  const machine = results[0] && shownMachine(results[0].machine);
  const rows = ROWS.flatMap(({ what, metrics }) => {
    const found = metrics.flatMap((metric) => byMetric.get(metric) ?? []);
    return found.length < metrics.length ? [] : [[what, joined(found, "measured"), joined(found, "goal")]];
  });
  const judged = lines.filter(({ goal }) => goal !== undefined);
  const missed = judged.filter(({ goal, measured }) => measured > goal!).length;
  const metrics = Object.assign({}, ...results.map((result) => result.metrics)) as Result["metrics"];
  return [
    `Measured with \`npm run bench\` on ${machine}, the model a scripted server in a process of its own. ${floorOf(metrics)}`,
    markdown([["what", "measured", "goal"], ...rows]),
    ...notMeasured(results),
    ...differingBuilds(results),
    `Of ${judged.length} goals ${missed === 0 ? "none is" : `${missed} are`} missed; [benchmarks/README.md](benchmarks/README.md) has all of them, with their 95th percentiles.`,
    ...comparison(metrics),
  ].join("\n\n");
}

function notMeasured(results: readonly Result[]): string[] {
  const missing = NAMES.filter((name) => !results.some((result) => result.name === name));
  return missing.length === 0 ? [] : [`Not measured yet: ${missing.join(", ")}.`];
}

function floorOf(metrics: Result["metrics"]): string {
  const floor = metrics["floor.roundTrip"];
  return floor === undefined
    ? ""
    : `The machine's own floor, a message into a warm thread and back, was ${floor.p50} µs.`;
}

function comparison(metrics: Result["metrics"]): string[] {
  const cell = (transport: string, what: string): string =>
    SIZES.map((size) => metrics[`${transport}.${what}.n${size}`]?.p50 ?? "–").join(" / ");
  if (metrics["kept.accepted.n1"] === undefined) return [];
  const rows = SPANS.map(({ what, shown }) => [shown, ...TRANSPORTS.map(({ key }) => cell(key, what))]);
  return [
    "Where the gain comes from: the same engine and threads in a small gateway of this repository, behind a WebSocket, the signed handshake and a pairing check. The transport alone differs; a real gateway does more besides.",
    markdown([[`ms, n = ${SIZES.join(" / last of ")}`, ...TRANSPORTS.map(({ name }) => name)], ...rows]),
  ];
}

function joined(lines: readonly Line[], which: "measured" | "goal"): string {
  const values = lines.map((line) => line[which]);
  if (values.every((value) => value === undefined)) return "";
  const units = [...new Set(lines.map(({ unit }) => unit))];
  const shown = (value: number | undefined): string => `${value ?? "–"}`;
  if (units.length > 1) return lines.map(({ unit }, n) => shownValue(shown(values[n]), unit)).join("; ");
  return shownValue(values.map(shown).join(" / "), lines[0]!.unit);
}

const ROWS: { what: string; metrics: string[] }[] = [
  {
    what: "spawn call → accepted, n=1 / last of 5 / last of 16",
    metrics: [1, 5, 16].map((n) => `in-process.accepted.n${n}`),
  },
  {
    what: "spawn call → child's first model request, n=1 / last of 5 / of 16",
    metrics: [1, 5, 16].map((n) => `in-process.firstRequest.n${n}`),
  },
  { what: "first real spawn after warm", metrics: ["in-process.firstAfterWarm"] },
  { what: "createSubagentRuntime → ready / warm", metrics: ["againReady", "againWarm"] },
  {
    what: "child's last byte → handed over, n=1 / slowest of 16",
    metrics: ["in-process.handover.n1", "in-process.handover.n16"],
  },
  {
    what: "host loop while 16 children stream 200 KB: p99 / longest (watched)",
    metrics: ["watched.n16.p99", "watched.n16.max"],
  },
  {
    what: "host main-thread CPU a child: short answer, 16 at once / alone / 200 KB watched, 16 at once",
    metrics: ["answer.200.main", "children.1.main", "watched.200000.main"],
  },
  { what: "worker CPU, 800 KB answer over 50 KB (linear = 16)", metrics: ["answerRatio"] },
  { what: "worker CPU for 200 KB of streamed tool arguments", metrics: ["arguments200"] },
  { what: "memory: a warm thread / one more concurrent run", metrics: ["thread", "run"] },
  {
    what: "1,000 concurrent children, 1 s model: all settled; loop p99; failed",
    metrics: ["wall.1000", "p99.1000", "failures.1000"],
  },
  { what: "abort mid-stream → settled, alone / beside 15", metrics: ["alone", "siblings"] },
  {
    what: "one child beside another session's 20 orchestrators: jobs that end before it / slot's turns it waits",
    metrics: ["ahead.20", "turns.20"],
  },
  { what: "a thread is lost → its run goes on / the last of 8 beside it", metrics: ["lostAlone", "lostBeside"] },
];
const SIZES = [1, 5, 16, 64];
const SPANS = [
  { what: "accepted", shown: "spawn call → accepted" },
  { what: "firstRequest", shown: "spawn call → child's first model request" },
  { what: "handover", shown: "child's last byte → handed over" },
];
const TRANSPORTS = [
  { key: "in-process", name: "in process" },
  { key: "kept", name: "WebSocket, one connection kept" },
  { key: "per-call", name: "WebSocket, a connection a call" },
];
