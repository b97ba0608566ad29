/** The end of a text that comes in pieces: what is dropped is counted, not held. */

export class OutputTail {
  readonly #maxBytes: number;
  #pieces: string[] = [];
  #heldBytes = 0;
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** @param bytes what the piece counts in the total */
  add(text: string, bytes: number): void {
    this.#bytes += bytes;
    if (text === "") return;
    this.#pieces.push(text);
    this.#heldBytes += Buffer.byteLength(text);
    // Joined now and then, so that neither many small pieces nor the old text stay.
    if (this.#heldBytes > 2 * this.#maxBytes || this.#pieces.length > MAX_PIECES) this.#compact();
  }

  /** `text` begins at the start of a line where it can. */
  take(): { text: string; bytes: number; droppedBytes: number } {
    this.#compact();
    const text = this.#pieces[0] ?? "";
    return { text, bytes: this.#bytes, droppedBytes: Math.max(0, this.#bytes - Buffer.byteLength(text)) };
  }

  #compact(): void {
    const all = Buffer.from(this.#pieces.join(""));
    const text = all.length <= this.#maxBytes ? all.toString() : lastWhole(all.subarray(all.length - this.#maxBytes));
    this.#pieces = text === "" ? [] : [text];
    this.#heldBytes = Buffer.byteLength(text);
  }
}

/** Cut at a line's start; a single long line is cut at a character's start. */
function lastWhole(bytes: Buffer): string {
  const newline = bytes.indexOf(10);
  if (newline !== -1 && newline < bytes.length - 1) return bytes.toString("utf8", newline + 1);
  let start = 0;
  while (start < 4 && ((bytes[start] ?? 0) & 0xc0) === 0x80) start += 1;
  return bytes.toString("utf8", start);
}

const MAX_PIECES = 4096;
