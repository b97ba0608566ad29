import { appendFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

import type { EngineEvent } from "../../../../src/events.ts";
import type { EngineLink } from "../../../../src/worker/engine.ts";
import { runAttempt } from "../../../../src/worker/engines/openclaw/run-attempt.ts";
import type { Runner } from "../../../../src/worker/engines/openclaw/runner.ts";
import { engineTask } from "../../../helpers/engine-task.ts";
import { tempFolder } from "../../../helpers/runtime-fixture.ts";

describe("an attempt of the gateway's runner", () => {
  it("of a run under a budget tells after each tool call what was used by then", async () => {
    const told = await attempt({ counted: true });
    expect(told.map(({ totalTokens, turns, toolCalls }) => ({ totalTokens, turns, toolCalls }))).toEqual([
      { totalTokens: 13, turns: 1, toolCalls: 1 },
      { totalTokens: 26, turns: 2, toolCalls: 2 },
      { totalTokens: 39, turns: 3, toolCalls: 2 },
    ]);
  });

  it("of any other run tells it once, at its end", async () => {
    expect(await attempt({})).toMatchObject([{ totalTokens: 39, turns: 3, toolCalls: 2 }]);
  });
});

/** Two answers with a tool call each, then the last. @returns each usage that was told */
async function attempt(more: { counted?: boolean }) {
  const task = { ...engineTask(tempFolder(), "one", "openclaw", "go"), ...more };
  const events: EngineEvent[] = [];
  const answer = (): void => {
    const usage = { input: 10, output: 3, cacheRead: 0, cacheWrite: 0, totalTokens: 13, cost: { total: 0.1 } };
    const message = { role: "assistant", content: [], provider: "p", model: "m", usage, timestamp: Date.now() + 1 };
    appendFileSync(task.transcriptPath, `${JSON.stringify({ type: "message", id: "1", message })}\n`);
  };
  /** As OpenClaw's: it keeps the transcript, and tells of tool calls. */
  const runner: Pick<Runner, "runEmbeddedPiAgent"> = {
    async runEmbeddedPiAgent({ onAgentEvent }) {
      const tell = onAgentEvent as (event: unknown) => void;
      for (const toolCallId of ["a", "b"]) {
        answer();
        tell({ stream: "tool", data: { phase: "start", name: "read", toolCallId } });
        tell({ stream: "tool", data: { phase: "result", name: "read", toolCallId } });
      }
      answer();
      return { payloads: [{ text: "done" }], meta: { stopReason: "stop" } };
    },
  };
  const link: Partial<EngineLink> = {
    emit: (event) => void events.push(event),
    systemPrompt: "",
    takeSteering: () => [],
  };
  const { result } = await runAttempt({
    task,
    context: { packageRoot: "/nowhere" } as never,
    config: {},
    runner: runner as Runner,
    link: link as EngineLink,
    signal: new AbortController().signal,
    model: task.model,
    prompt: "go",
  });
  expect(result.status).toBe("ok");
  return events.flatMap((event) => (event.type === "usage" ? [event.usage] : []));
}
