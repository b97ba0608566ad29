/** The task, from the command line or from standard input, checked before anything is started. */

import { InprocessError } from "../../errors.ts";

/**
 * The task that the words on the command line make: unquoted words are joined with spaces.
 * @returns undefined when it stands on standard input (`-`)
 * @throws InprocessError `task_invalid`
 */
export function taskFromWords(words: readonly string[]): string | undefined {
  if (words.length === 0) {
    throw new InprocessError(
      "task_invalid",
      `no task was given; write it in quotes after the options, or - to read it from standard input`,
    );
  }
  if (words.length === 1 && words[0] === STDIN) return undefined;
  return checkedTask(words.join(" "));
}

/**
 * Reads standard input to its end, or to the first byte too many.
 * @throws InprocessError `task_invalid`
 */
export async function taskFromStdin(stdin: AsyncIterable<Buffer | string>): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of stdin) {
      const buffer = typeof chunk === "string" ? Buffer.from(chunk) : chunk;
      bytes += buffer.length;
      if (bytes > MAX_TASK_BYTES) break;
      chunks.push(buffer);
    }
  } catch (error) {
    throw new InprocessError(
      "task_invalid",
      "the task can't be read from standard input; pipe a text into the command, or write the task in quotes",
      { cause: error },
    );
  }
  if (bytes > MAX_TASK_BYTES) throw tooLarge("more than 1 MiB");
  return checkedTask(Buffer.concat(chunks).toString("utf8"));
}

function checkedTask(task: string): string {
  const bytes = Buffer.byteLength(task);
  if (bytes > MAX_TASK_BYTES) throw tooLarge(`${(bytes / MAX_TASK_BYTES).toFixed(1)} MiB`);
  const text = task.replace(/^\uFEFF/u, "").trim();
  if (text === "")
    throw new InprocessError("task_invalid", "the task is empty; say in a sentence what the main agent is to do");
  return text;
}

function tooLarge(size: string): InprocessError {
  return new InprocessError(
    "task_invalid",
    `the task is ${size} long, and 1 MiB is the most it may be; put the material in a file of the workspace and name the file in the task`,
  );
}

const STDIN = "-";
const MAX_TASK_BYTES = 1_048_576;
