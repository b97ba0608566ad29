/** Plots as SVG, readable on light and dark pages. */

import type { LinePanel, Panel, Plot } from "./benchmark.ts";
import { linearScale, logScale, shownNumber, type Scale } from "./plot-scale.ts";
import type { Result } from "./results.ts";

/** A panel beside the other, the names of their series below the title. A metric that wasn't measured leaves a gap. */
export function plotSvg({ title, panels }: Plot, metrics: Result["metrics"]): string {
  const across = panels.length === 4 ? 2 : Math.min(3, panels.length);
  const rows = Math.ceil(panels.length / across);
  const names = [...new Set(panels.flatMap((panel) => (panel.kind === "lines" ? seriesNames(panel) : [])))];
  const legend = legendOf(names, across * PANEL.width);
  const top = 40 + legend.height;
  const drawn = panels.map((panel, n) => {
    const [x, y] = [(n % across) * PANEL.width, top + Math.floor(n / across) * PANEL.height];
    return `<g transform="translate(${x} ${y})">${drawPanel(panel, names, (name) => metrics[name]?.p50)}</g>`;
  });
  const [width, height] = [across * PANEL.width, top + rows * PANEL.height];
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escaped(title)}">`,
    `<style>${STYLE}</style>`,
    `<rect class="page" width="${width}" height="${height}" rx="6"/>`,
    text(title, PANEL.left, 26, "title"),
    legend.svg,
    ...drawn,
    "</svg>\n",
  ].join("\n");
}

type ValueOf = (metric: string) => number | undefined;

function drawPanel(panel: Panel, names: readonly string[], valueOf: ValueOf): string {
  const metrics = panel.kind === "lines" ? panel.series.flatMap((one) => one.metrics) : panel.bars.map((b) => b.metric);
  const values = metrics.flatMap((metric) => valueOf(metric) ?? []);
  const scale = panel.y.log === true ? logScale : linearScale;
  const y = scale(panel.kind === "bars" ? [0, ...values] : values, [PLOT.bottom, PLOT.top]);
  return [
    text(panel.title, PANEL.left, 14, "name"),
    text(panel.y.label, PANEL.left, 30, "label"),
    ...y.ticks.map((tick) => {
      const at = fixed(y.at(tick));
      return `<path class="grid" d="M${PANEL.left} ${at}H${PLOT.right}"/>${text(shownNumber(tick), PANEL.left - 6, y.at(tick) + 4, "tick end")}`;
    }),
    panel.kind === "lines" ? drawLines(panel, names, y, valueOf) : drawBars(panel.bars, y, valueOf),
  ].join("");
}

function drawLines({ x: axis, series }: LinePanel, names: readonly string[], y: Scale, valueOf: ValueOf): string {
  const x = (axis.log === true ? logScale : linearScale)(axis.values, [PANEL.left + 8, PLOT.right - 8], false);
  const ticks = axis.values.map((value, n) =>
    text(axis.shown?.[n] ?? shownNumber(value), x.at(value), PLOT.bottom + 16, "tick middle"),
  );
  const label = text(axis.label, (PANEL.left + PLOT.right) / 2, PLOT.bottom + 34, "label middle");
  const lines = series.map(({ name, metrics }) => {
    const color = `s${names.indexOf(name) % COLORS.length}`;
    const points = metrics.flatMap((metric, n) => {
      const value = valueOf(metric);
      return value === undefined ? [] : [[x.at(axis.values[n]!), y.at(value)].map(fixed)];
    });
    const dots = points.map(([cx, cy]) => `<circle class="${color} dot" cx="${cx}" cy="${cy}" r="3"/>`).join("");
    return `<polyline class="${color} line" points="${points.map((point) => point.join(",")).join(" ")}"/>${dots}`;
  });
  return [...ticks, label, ...lines].join("");
}

function drawBars(bars: readonly { name: string; metric: string }[], y: Scale, valueOf: ValueOf): string {
  const each = (PLOT.right - PANEL.left) / bars.length;
  return bars
    .map(({ name, metric }, n) => {
      const [left, value] = [PANEL.left + n * each, valueOf(metric)];
      const middle = left + each / 2;
      const under = text(name, middle, PLOT.bottom + 16, "tick middle");
      if (value === undefined) return under;
      const top = y.at(value);
      const bar = `<rect class="s0 dot" x="${fixed(left + each * 0.2)}" y="${fixed(top)}" width="${fixed(each * 0.6)}" height="${fixed(PLOT.bottom - top)}"/>`;
      return under + bar + text(shownNumber(value), middle, top - 5, "tick middle");
    })
    .join("");
}

function seriesNames({ series }: LinePanel): string[] {
  return series.map(({ name }) => name);
}

/** In as many rows as the width asks for. */
function legendOf(names: readonly string[], width: number): { svg: string; height: number } {
  let [x, row] = [PANEL.left, 0];
  const entries = names.map((name, n) => {
    const needs = 34 + name.length * 6.4;
    if (x > PANEL.left && x + needs > width) [x, row] = [PANEL.left, row + 1];
    const y = 46 + row * 18;
    const color = `s${n % COLORS.length}`;
    const entry = `<path class="${color} line" d="M${x} ${y - 4}h18"/><circle class="${color} dot" cx="${x + 9}" cy="${y - 4}" r="3"/>${text(name, x + 24, y, "tick")}`;
    x += needs;
    return entry;
  });
  return { svg: entries.join("\n"), height: names.length === 0 ? 8 : (row + 1) * 18 + 12 };
}

function text(content: string, x: number, y: number, classes: string): string {
  return `<text class="${classes}" x="${fixed(x)}" y="${fixed(y)}">${escaped(content)}</text>`;
}

function escaped(content: string): string {
  return content.replace(/[&<>"]/g, (char) => `&#${char.charCodeAt(0)};`);
}

function fixed(value: number): string {
  return String(Math.round(value * 10) / 10);
}

const PANEL = { width: 360, height: 260, left: 58 };
const PLOT = { right: PANEL.width - 14, top: 44, bottom: PANEL.height - 56 };
/** Of the series, on light and on dark pages. */
const COLORS = [
  ["#0b62c4", "#6cb2ff"],
  ["#c2500a", "#ffa45c"],
  ["#1a7f37", "#5fd17c"],
  ["#8250df", "#c49bff"],
  ["#bf3989", "#ff80c8"],
  ["#57606a", "#c9d1d9"],
  ["#9a6700", "#e3b341"],
] as const;
const STYLE = `
text{font:12px system-ui,sans-serif;fill:#1f2328}.title{font-size:16px;font-weight:600}.name{font-size:13px;font-weight:600}
.label{fill:#59636e}.tick{font-size:11px}.middle{text-anchor:middle}.end{text-anchor:end}
.page{fill:#fff}.grid{stroke:#d1d9e0}.line{fill:none;stroke-width:2}
${colored(0)}
@media(prefers-color-scheme:dark){text{fill:#f0f6fc}.label{fill:#a3abb5}.page{fill:#151b23}.grid{stroke:#3d444d}
${colored(1)}}
`;

function colored(theme: 0 | 1): string {
  return COLORS.map((pair, n) => `.s${n}.line{stroke:${pair[theme]}}.s${n}.dot{fill:${pair[theme]}}`).join("");
}
