/** Patterns in which `*` stands for any characters, none included; there is no other sign. */

/**
 * Whether a text fits one of the patterns. Models write patterns, so none is made into an expression: those go back and
 * forth over a text for as long as there are stars to try. Here each part between two stars is looked for once.
 * @param patterns any number; a text is looked up among those without a star, and held against each of the others
 */
export function anyOf(patterns: readonly string[]): (text: string) => boolean {
  const plain = new Set(patterns.filter((pattern) => !pattern.includes("*")));
  const starred = patterns.filter((pattern) => pattern.includes("*")).map((pattern) => pattern.split("*"));
  return (text) => plain.has(text) || starred.some((parts) => fits(parts, text));
}

/** Stars in a row say no more than one of them; but a reader that makes expressions of them is kept busy by each. */
export function singleStars(pattern: string): string {
  return pattern.replace(/\*+/g, "*");
}

/** @param parts what stands before, between and after the stars, so two at least */
function fits(parts: readonly string[], text: string): boolean {
  const first = parts[0]!;
  const last = parts.at(-1)!;
  const end = text.length - last.length;
  if (first.length > end || !text.startsWith(first) || !text.endsWith(last)) return false;
  let at = first.length;
  for (const part of parts.slice(1, -1)) {
    // The earliest place leaves the most for the parts that follow.
    const found = text.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return at <= end;
}
