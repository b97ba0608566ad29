/** Puts together what a search found: matches with the lines around them, cut to what an output holds. */

import type { ToolOutput } from "../../host.ts";
import { counted, linesThatFit, oneLine, textOutput } from "./tool.ts";

export class SearchReport {
  /** Files that couldn't be opened. */
  unreadable = 0;
  readonly #options: { pattern: string; context: number; limit: number };
  readonly #lines: string[] = [];
  #matches = 0;
  #files = 0;
  #searched = 0;
  #binary = 0;
  #cut = 0;
  // Of the file at hand.
  #path = "";
  #lineNumber = 0;
  #matchesBefore = 0;
  #before: string[] = [];
  #after = 0;
  #lastShown = 0;

  constructor(options: { pattern: string; context: number; limit: number }) {
    this.#options = options;
  }

  get full(): boolean {
    return this.#matches >= this.#options.limit;
  }

  /** Nothing of the file at hand is wanted any more. */
  get done(): boolean {
    return this.full && this.#after === 0;
  }

  startFile(path: string): void {
    this.#path = path;
    this.#lineNumber = 0;
    this.#matchesBefore = this.#matches;
    this.#before = [];
    this.#after = 0;
    this.#lastShown = 0;
    this.#searched += 1;
  }

  skipBinary(): void {
    this.#searched -= 1;
    this.#binary += 1;
  }

  /** The next lines of the file, and which of them match. */
  addLines(lines: readonly string[], matching: readonly number[]): void {
    let next = 0;
    for (const [index, line] of lines.entries()) {
      this.#lineNumber += 1;
      const matches = matching[next] === index;
      if (matches) next += 1;
      if (matches && !this.full) this.#addMatch(line);
      else if (this.#after > 0) this.#addAround(line);
      else this.#remember(line);
      if (this.done) return;
    }
  }

  output(): ToolOutput {
    const lines = linesThatFit(this.#lines);
    const left = this.#lines.length - lines.length;
    const complete = !this.full && left === 0;
    if (this.#matches === 0)
      lines.push(`[no line of ${counted(this.#searched, "file")} matches ${oneLine(this.#options.pattern)}]`);
    if (this.#cut > 0)
      lines.push(`[${counted(this.#cut, "long line")} cut at ${MAX_LINE} characters; read shows them]`);
    if (left > 0) lines.push(`[${counted(left, "more line")} left out: narrow the search]`);
    if (this.full) lines.push(`[stopped at match ${this.#matches}, there may be more: narrow it or raise limit]`);
    return textOutput(lines.join("\n"), {
      matches: this.#matches,
      files: this.#files,
      searched: this.#searched,
      binary: this.#binary,
      unreadable: this.unreadable,
      complete,
    });
  }

  #addMatch(line: string): void {
    if (this.#matches === this.#matchesBefore) this.#files += 1;
    this.#matches += 1;
    const first = this.#lineNumber - this.#before.length;
    if (this.#options.context > 0 && this.#lines.length > 0 && first !== this.#lastShown + 1) this.#lines.push("--");
    for (const [index, before] of this.#before.entries()) this.#show(first + index, "-", before);
    this.#show(this.#lineNumber, ":", line);
    this.#before = [];
    this.#after = this.#options.context;
  }

  #addAround(line: string): void {
    this.#show(this.#lineNumber, "-", line);
    this.#after -= 1;
  }

  #remember(line: string): void {
    if (this.#options.context === 0) return;
    this.#before.push(line);
    if (this.#before.length > this.#options.context) this.#before.shift();
  }

  #show(number: number, mark: ":" | "-", line: string): void {
    const cut = line.length > MAX_LINE;
    if (cut) this.#cut += 1;
    this.#lines.push(`${this.#path}${mark}${number}${mark} ${cut ? `${line.slice(0, MAX_LINE)}…` : line}`);
    this.#lastShown = number;
  }
}

const MAX_LINE = 500;
