/** What every worker tool has in common: its shape, its arguments, its way to put text before the model. */

import { InprocessError } from "../../errors.ts";
import type { ToolOutput } from "../../host.ts";

/** A tool without the frame: `run` may throw, `subject` gets any record. */
export type WorkerTool = {
  name: string;
  label: string;
  description: string;
  parameters: Record<string, unknown>;
  /** What a call is about, for a person. */
  subject(args: ToolArgs): unknown;
  run(args: ToolArgs, signal: AbortSignal): Promise<ToolOutput>;
};

/** Arguments as a model wrote them: nothing about them is known. */
export type ToolArgs = Record<string, unknown>;

export function textOutput(text: string, details: Record<string, unknown>): ToolOutput {
  return { content: [{ type: "text", text }], details };
}

/** @throws InprocessError `params_invalid` when it isn't a text */
export function textArg(tool: string, args: ToolArgs, name: string): string {
  const value = args[name];
  if (typeof value === "string") return value;
  throw new InprocessError("params_invalid", `${tool} needs "${name}" as a text; call it again with one.`);
}

export function optionalText(tool: string, args: ToolArgs, name: string): string | undefined {
  return args[name] === undefined || args[name] === null ? undefined : textArg(tool, args, name);
}

/** A number over 0, or undefined; digits in a text count too, as some models send them so. */
export function optionalNumber(tool: string, args: ToolArgs, name: string): number | undefined {
  const value = args[name];
  if (value === undefined || value === null) return undefined;
  const number = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
  if (typeof number === "number" && number > 0) return number;
  throw new InprocessError("params_invalid", `${tool} takes "${name}" as a number over 0.`);
}

/** A whole number from 1 to `max`; more is taken as `max`. */
export function optionalCount(tool: string, args: ToolArgs, name: string, max: number): number | undefined {
  const number = optionalNumber(tool, args, name);
  return number === undefined ? undefined : Math.max(1, Math.min(Math.floor(number), max));
}

export function flag(args: ToolArgs, name: string): boolean {
  return args[name] === true || args[name] === "true";
}

/** One short line for a person, whatever the value is. */
export function oneLine(value: unknown): string {
  if (typeof value !== "string") return "";
  const line = value
    .slice(0, MAX_SUBJECT * 4)
    .replace(/\s+/g, " ")
    .trim();
  return line.length > MAX_SUBJECT ? `${line.slice(0, MAX_SUBJECT - 1)}…` : line;
}

/** `1 line`, `2 lines`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

/** A path that can't break out of its line in an output. */
export function shownPath(path: string): string {
  const shown = path === "" ? "." : path;
  return shown.replace(CONTROL_CHARACTERS, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, "0")}`);
}

/** As many of the first lines as fit into an output. */
export function linesThatFit(lines: readonly string[], maxBytes = MAX_OUTPUT_BYTES): string[] {
  let bytes = 0;
  const over = lines.findIndex((line) => (bytes += Buffer.byteLength(line) + 1) > maxBytes);
  return over === -1 ? [...lines] : lines.slice(0, over);
}

/** Bytes of text one call may put before the model. */
export const MAX_OUTPUT_BYTES = 50 * 1024;

const MAX_SUBJECT = 120;
const CONTROL_CHARACTERS = /[\u0000-\u001f\u007f]/g;
