/** The tree as lines of text: a pure function of the state, the clock and the size of the terminal. */

import { styleText } from "node:util";
import { columnsOf, cutToColumns, padToColumns } from "./terminal-text.ts";
import { counted, dollars, duration, tokens } from "./units.ts";
import { isSettled, whereAndWhy, type Row, type RowState, type ViewState } from "./view-state.ts";

export type FrameOptions = {
  /** Columns a line may take at most. */
  width: number;
  /** Lines the frame may take at most; what doesn't fit is counted in the last one. @default no limit */
  height?: number;
  /** Milliseconds since the epoch. */
  now: number;
  colour: boolean;
};

/** Never a line wider than `width`, never more than `height` lines. */
export function renderFrame(state: ViewState, options: FrameOptions): string[] {
  const { header, main } = state;
  const whose = header.runtime === "gateway" ? "main agent: " : "";
  const title: Segment[] = [[`${whose}${header.model} · ${header.workspace} · ${whereAndWhy(header)}`, "dim"]];
  const rows = rowsThatFit(state, options.height === undefined ? Infinity : options.height - FIXED_LINES);
  const names = labelColumns([main, ...rows.shown.map((line) => line.row)], options.width);
  const lines = [title, rowSegments({ row: main, lead: "" }, names, options.now)];
  for (const line of rows.shown) lines.push(rowSegments(line, names, options.now));
  if (rows.hidden.length > 0)
    lines.push([[`… and ${counted(rows.hidden.length, "more subagent")}: ${tally(rows.hidden)}`, "dim"]]);
  if (isSettled(main)) lines.push([[summary(state, options.now), "dim"]]);
  return lines.slice(0, options.height).map((line) => paint(line, options));
}

/**
 * `3 subagents: 2 done, 1 failed · 12.4k tokens · 3.2s`; of all runs, the main agent's own tokens included. Of those in
 * a gateway it is said that they were there, and when it told of no tokens.
 */
export function summary(state: ViewState, now: number): string {
  const runs = [...state.runs.values()];
  const everyone = [state.main, ...runs];
  const cost = everyone.reduce((sum, row) => sum + row.costUsd, 0);
  const away = runs.filter((row) => row.inGateway);
  const untold = away.filter((row) => row.totalTokens === 0).length;
  return [
    runs.length === 0 ? "no subagents" : `${counted(runs.length, "subagent")}: ${tally(runs)}`,
    ...(away.length > 0 ? [`${away.length} in the gateway, with its own models and workspaces`] : []),
    tokens(everyone.reduce((sum, row) => sum + row.totalTokens, 0)) +
      (untold > 0 ? ` (the gateway told of none for ${untold})` : ""),
    ...(cost > 0 ? [dollars(cost)] : []),
    duration((state.main.endedAt ?? now) - state.header.startedAt),
  ].join(" · ");
}

type Line = { row: Row; lead: string };
type Style = "dim" | "green" | "red" | "yellow" | "cyan" | "none";
type Segment = [text: string, style: Style];

/** All rows when they fit; else those still at work; else the first of those. */
function rowsThatFit(state: ViewState, room: number): { shown: Line[]; hidden: Row[] } {
  const all = treeLines(state.main.children, () => true);
  if (all.length <= room) return { shown: all, hidden: [] };
  const lines = treeLines(state.main.children, isAtWork);
  const shown = lines.slice(0, Math.max(0, room - 1));
  const visible = new Set(shown.map((line) => line.row));
  return { shown, hidden: all.map((line) => line.row).filter((row) => !visible.has(row)) };
}

function treeLines(rows: Row[], wanted: (row: Row) => boolean, indent = ""): Line[] {
  const kept = rows.filter(wanted);
  return kept.flatMap((row, index) => {
    const last = index === kept.length - 1;
    return [
      { row, lead: `${indent}${last ? "└─ " : "├─ "}` },
      ...treeLines(row.children, wanted, `${indent}${last ? "   " : "│  "}`),
    ];
  });
}

function isAtWork(row: Row): boolean {
  return !isSettled(row) || row.children.some(isAtWork);
}

function rowSegments({ row, lead }: Line, names: number, now: number): Segment[] {
  const look = LOOKS[row.state];
  const started = row.startedAt;
  const elapsed = started === undefined ? "" : duration((row.endedAt ?? now) - started);
  // The lead takes its columns from the name, so that everything after it stays aligned.
  return [
    [lead, "dim"],
    [`${look.glyph} ${padToColumns(look.word, WORD_COLUMNS)} `, look.style],
    [padToColumns(row.name, Math.max(MIN_NAME, names - lead.length)), "none"],
    [`  ${tokens(row.totalTokens).padStart(TOKEN_COLUMNS)}  ${elapsed.padStart(TIME_COLUMNS)}  `, "dim"],
    activity(row),
  ];
}

function activity(row: Row): Segment {
  if (row.delivery === "undelivered") return ["its result could not be delivered", "yellow"];
  if (isSettled(row)) return [row.state === "ok" ? "" : (row.cause?.message ?? ""), "red"];
  if (row.state === "queued") return ["waits for a free slot", "dim"];
  const call = row.tools.at(-1);
  if (call !== undefined) {
    const others = row.tools.length - 1;
    return [`${call.tool} ${call.detail}${others > 0 ? ` (+${others})` : ""}`, "cyan"];
  }
  if (row.thinking) return ["thinking", "dim"];
  const children = row.children.filter((child) => !isSettled(child)).length;
  return [children > 0 ? `waits for ${counted(children, "subagent")}` : "", "dim"];
}

/** `2 done, 1 failed`, in the order of a run's life. */
function tally(rows: Row[]): string {
  const states = Object.keys(LOOKS) as RowState[];
  return states
    .map((state) => ({ state, count: rows.filter((row) => row.state === state).length }))
    .filter(({ count }) => count > 0)
    .map(({ state, count }) => `${count} ${LOOKS[state].word}`)
    .join(", ");
}

function labelColumns(rows: Row[], width: number): number {
  const longest = rows.reduce((most, row) => Math.max(most, columnsOf(row.name)), 0);
  return Math.max(MIN_NAME, Math.min(longest + 6, MAX_NAME, Math.floor((width - OTHER_COLUMNS) / 2)));
}

function paint(segments: Segment[], { width, colour }: FrameOptions): string {
  const whole = segments
    .map(([text]) => text)
    .join("")
    .trimEnd();
  const cut = cutToColumns(whole, width);
  if (!colour) return cut;
  // The cut replaced the end by an ellipsis: each segment takes its share of what is left.
  let at = 0;
  return segments
    .map(([text, style]) => {
      const piece = cut.slice(at, at + text.length);
      at += text.length;
      return style === "none" || piece === "" ? piece : styleText(style, piece, { validateStream: false });
    })
    .join("");
}

/** How each state is shown and called. */
export const LOOKS: Record<RowState, { glyph: string; word: string; style: Style }> = {
  queued: { glyph: "○", word: "queued", style: "dim" },
  running: { glyph: "●", word: "running", style: "cyan" },
  waiting: { glyph: "◌", word: "waiting", style: "dim" },
  ok: { glyph: "✓", word: "done", style: "green" },
  error: { glyph: "✗", word: "failed", style: "red" },
  timeout: { glyph: "✗", word: "timed out", style: "red" },
  killed: { glyph: "✗", word: "killed", style: "yellow" },
  interrupted: { glyph: "✗", word: "interrupted", style: "yellow" },
};

/** Title and main agent. */
const FIXED_LINES = 2;
const WORD_COLUMNS = 11;
const TOKEN_COLUMNS = 13;
const TIME_COLUMNS = 6;
/** About what a line takes beside the name and the activity, which share the rest. */
const OTHER_COLUMNS = 40;
const MIN_NAME = 10;
const MAX_NAME = 36;
