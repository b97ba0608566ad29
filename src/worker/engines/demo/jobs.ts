/** The three jobs the demo's main agent hands out, known to both sides by how their task begins. */

import { folders } from "./folders.ts";
import { longestFiles } from "./longest-files.ts";
import type { Script } from "./script.ts";
import { testsCovered } from "./tests-covered.ts";

export type Job = {
  label: string;
  /** Heading of its section in the final answer. */
  title: string;
  /** First sentence of the task. */
  opening: string;
  script: () => Script;
};

export const JOBS: readonly Job[] = [
  {
    label: "folders",
    title: "Folders",
    opening: "Find out what the top-level folders and the source folders are for.",
    script: folders,
  },
  {
    label: "longest-files",
    title: "Longest source files",
    opening: "Find the longest source files and how many lines they have.",
    script: longestFiles,
  },
  {
    label: "tests",
    title: "Tests",
    opening: "Find out what the tests cover.",
    script: testsCovered,
  },
];

/** The task put to a child: the job, and the request it is part of. */
export function taskText(job: Job, request: string): string {
  return `${job.opening} It is part of this request: "${quote(request)}". Look with your tools, and tell only what they return.`;
}

function quote(request: string): string {
  const line = request
    .slice(0, 4 * QUOTE_CHARS)
    .replace(/\s+/g, " ")
    .replaceAll('"', "'")
    .trim();
  return line.length > QUOTE_CHARS ? `${line.slice(0, QUOTE_CHARS)}…` : line;
}

const QUOTE_CHARS = 200;
