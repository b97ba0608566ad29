/** The clock of benchmarks, and names for what they start. */

/** Milliseconds since the epoch with fractions; comparable over the processes of one machine. */
export function now(): number {
  return performance.timeOrigin + performance.now();
}

export function idsOf(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, n) => `${prefix}.${n}`);
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
