/** Which benchmarks were measured with another build than the most of them. */

import type { Result } from "./results.ts";

/** @returns one sentence; none where all are of one build */
export function differingBuilds(results: readonly Pick<Result, "name" | "build">[]): string[] {
  const sharing = (build: string): number => results.filter((result) => result.build === build).length;
  const [usual] = results.map(({ build }) => build).toSorted((one, other) => sharing(other) - sharing(one));
  const others = results.flatMap(({ name, build }) => (build === usual ? [] : [`\`${name}\``]));
  return others.length === 0 ? [] : [`Measured with another build than the rest: ${others.join(", ")}.`];
}
