/** Picks a range of lines out of a file that comes in pieces, and counts the rest; holds no more than the range. */

export class LineWindow {
  readonly first: number;
  /** Set once the range is complete: later lines are only counted. */
  full = false;
  /** Bytes left out of the first line, when that alone is over the limit. */
  cutLineBytes = 0;
  readonly #maxLines: number;
  readonly #maxBytes: number;
  readonly #lines: string[] = [];
  #bytes = 0;
  #pieces: Buffer[] = [];
  #pieceBytes = 0;
  #number = 1;
  #lineOpen = false;

  constructor(range: { first: number; maxLines: number; maxBytes: number }) {
    this.first = range.first;
    this.#maxLines = range.maxLines;
    this.#maxBytes = range.maxBytes;
  }

  /** Number of the last line in the range; `first - 1` when there is none. */
  get last(): number {
    return this.first + this.#lines.length - 1;
  }

  /** Lines met so far; after `end` all of them. */
  get linesSeen(): number {
    return this.#number - 1;
  }

  text(): string {
    return this.#lines.join("\n");
  }

  /** The chunk may be reused by the caller afterwards. */
  push(chunk: Buffer): void {
    let position = 0;
    while (position < chunk.length) {
      const newline = chunk.indexOf(NEWLINE, position);
      const end = newline === -1 ? chunk.length : newline;
      if (!this.full && this.#number >= this.first) this.#keep(chunk.subarray(position, end));
      this.#lineOpen = newline === -1;
      if (newline !== -1) this.#endLine();
      position = end + 1;
    }
  }

  /** A last line without a newline counts too. */
  end(): void {
    if (this.#lineOpen) this.#endLine();
  }

  #keep(piece: Buffer): void {
    const room = this.#maxBytes - this.#bytes - this.#pieceBytes;
    if (piece.length > room && this.#lines.length > 0) {
      this.full = true;
      this.#pieces = [];
      return;
    }
    const kept = piece.subarray(0, room);
    this.cutLineBytes += piece.length - kept.length;
    this.#pieces.push(Buffer.from(kept));
    this.#pieceBytes += kept.length;
  }

  #endLine(): void {
    if (!this.full && this.#number >= this.first) this.#closeLine();
    this.#number += 1;
    this.#lineOpen = false;
  }

  #closeLine(): void {
    // In stream mode a character cut in the middle at the limit is left out instead of turned into a mark.
    const text = new TextDecoder().decode(Buffer.concat(this.#pieces), { stream: this.cutLineBytes > 0 });
    this.#lines.push(text.endsWith("\r") ? text.slice(0, -1) : text);
    this.#bytes += this.#pieceBytes + 1;
    this.#pieces = [];
    this.#pieceBytes = 0;
    this.full = this.#lines.length >= this.#maxLines || this.#bytes >= this.#maxBytes;
  }
}

const NEWLINE = 10;
