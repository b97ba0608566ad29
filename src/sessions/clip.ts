/** The first characters of a text, the last of them `…` when some were left out; never half a character. */
export function clip(text: string, max: number): string {
  return text.length <= max ? text : `${wholeStart(text, max - 1)}…`;
}

/** The first characters of a text, one fewer where the cut would halve one. */
export function wholeStart(text: string, length: number): string {
  if (text.length <= length) return text;
  const last = text.charCodeAt(length - 1);
  return text.slice(0, last >= 0xd800 && last <= 0xdbff ? length - 1 : length);
}
