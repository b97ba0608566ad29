/** Children in threads, for tests of what becomes of their sessions. */

import { RecordingHost } from "./recording-host.ts";
import type { RecordedRequest } from "./model-server.ts";
import { startRuntime, tempFolder, type Fixture, type FixtureOptions } from "./runtime-fixture.ts";

export const SESSION = { thread: true, mode: "session" } as const;

/** A runtime whose host has a channel with threads. */
export function withThreads(options: FixtureOptions = {}): Promise<Fixture> {
  return startRuntime({ ...options, host: new RecordingHost(tempFolder()).bindThreads() });
}

/** What was said, without the system prompt. */
export function textsOf({ messages }: RecordedRequest): string[] {
  return messages.filter(({ role }) => role !== "system").map(({ content }) => textOf(content));
}

function textOf(content: unknown): string {
  if (typeof content === "string") return content;
  return (content as { text?: string }[]).map(({ text = "" }) => text).join("");
}
