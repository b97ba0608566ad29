/** From values to places on an axis, and the values worth a line. */

export type Scale = { at(value: number): number; ticks: number[] };
type Span = readonly [number, number];

/** Values of 0 and less stand at the smallest positive one's place. */
export function logScale(values: readonly number[], [from, to]: Span, round = true): Scale {
  const logs = values.filter((value) => value > 0).map(Math.log10);
  const [least, most] = logs.length === 0 ? [0, 1] : [Math.min(...logs), Math.max(...logs)];
  const [low, high] = round ? [Math.floor(least + NEARLY), Math.ceil(most - NEARLY)] : [least, most];
  const span = Math.max(high - low, NEARLY);
  const ticks = Array.from(
    { length: Math.max(0, Math.floor(high) - Math.ceil(low)) + 1 },
    (_, n) => 10 ** (Math.ceil(low) + n),
  );
  return { at: (value) => from + ((Math.log10(Math.max(value, 10 ** low)) - low) / span) * (to - from), ticks };
}

/** @param round to a whole number of steps */
export function linearScale(values: readonly number[], [from, to]: Span, round = true): Scale {
  const [low, most] = values.length === 0 ? [0, 1] : [Math.min(...values), Math.max(...values)];
  const step = stepOf(most - low);
  const high = round ? Math.max(low + step, Math.ceil(most / step) * step) : Math.max(most, low + NEARLY);
  const first = Math.ceil(low / step);
  const ticks = Array.from({ length: Math.floor(high / step + NEARLY) - first + 1 }, (_, n) => (first + n) * step);
  return { at: (value) => from + ((value - low) / (high - low)) * (to - from), ticks };
}

/** Short: `0.03`, `40`, `1.5k`. */
export function shownNumber(value: number): string {
  const digits = Number(value.toPrecision(3));
  return digits >= 1_000 ? `${digits / 1_000}k` : `${digits}`;
}

/** 1, 2 or 5 times a power of ten; about four of them in a span. */
function stepOf(span: number): number {
  if (!(span > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(span / 4));
  return power * ([1, 2, 5].find((factor) => factor * power * 5 >= span) ?? 10);
}

const NEARLY = 1e-9;
