/** Runs one variant of a benchmark file in a fresh process. */

import { fork } from "node:child_process";
import { once } from "node:events";
import type { Samples, VariantAnswer, VariantRequest } from "./benchmark.ts";

/** @throws Error when the variant failed or its process ended without an answer */
export async function forkVariant(file: string, request: VariantRequest): Promise<Samples> {
  const child = fork(file, [JSON.stringify(request)], {
    execArgv: EXEC_ARGV,
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  const answered = once(child, "message").then(([answer]) => answer as VariantAnswer);
  const ended = once(child, "exit").then(([code]) => ({ failed: `its process ended with code ${String(code)}` }));
  const answer = await Promise.race([answered, ended]);
  // It ends by itself, with what it has in temporary folders.
  await ended;
  if ("samples" in answer) return answer.samples;
  throw new Error(`The variant ${request.variant} of ${file} failed: ${answer.failed}`);
}

/** So that memory can be read when only what is held is left. */
const EXEC_ARGV = ["--expose-gc"];
