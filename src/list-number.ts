/** A number in a list as a target writes it. */

/**
 * 0 for what stands before the first, so that it names nothing; undefined for any other target. Nobody means the
 * beginning of a run id or of a label by so few digits.
 */
export function listNumber(target: string): number | undefined {
  const digits = target.trim();
  return /^\d{1,3}$/.test(digits) ? Number(digits) : undefined;
}
