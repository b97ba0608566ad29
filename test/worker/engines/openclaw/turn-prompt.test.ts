import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import type { EngineTask } from "../../../../src/channel/protocol.ts";
import { breakOwnLock } from "../../../../src/worker/engines/openclaw/transcript-lock.ts";
import { afterFailure, turnPrompt } from "../../../../src/worker/engines/openclaw/turn-prompt.ts";
import { turnSince } from "../../../../src/worker/engines/openclaw/turn-trace.ts";
import { engineTask } from "../../../helpers/engine-task.ts";
import { tempFolder } from "../../../helpers/runtime-fixture.ts";

const PROMPT = 'Look at "it"\nand say what it is.';

describe("the message that opens a turn", () => {
  it("tells a new session what it is, and gives a later turn its message as it stands", () => {
    const first = taskIn(tempFolder());
    expect(turnPrompt(first)).toMatch(/^You are a subagent at depth 1/);
    expect(turnPrompt(first)).toContain(`[Subagent Task]\n${PROMPT}`);
    const later = taskIn(tempFolder(), [user("before")]);
    expect(turnPrompt({ ...later, resume: "children_settled" })).toBe(PROMPT);
  });

  it("tells a session that begins with another's transcript what it is, though much is said before", () => {
    const forked = { ...taskIn(tempFolder(), [user("before")]), forkOf: { path: "/above.jsonl", bytes: 1 } };
    expect(turnPrompt(forked)).toContain(`[Subagent Task]\n${PROMPT}`);
  });

  it("tells a session whose thread was lost that the effect of its last call isn't known", () => {
    const task = taskIn(tempFolder(), [user(PROMPT)]);
    expect(turnPrompt({ ...task, resume: "thread_lost" })).toMatch(/lost.*\n.*assume neither/);
  });

  it("is given again when the thread was lost before it stood in the transcript", () => {
    const task = { ...taskIn(tempFolder()), resume: "thread_lost" } as const;
    expect(turnPrompt(task)).toContain(PROMPT);
  });

  it("isn't repeated to the next model when the one before had it already", () => {
    expect(afterFailure(taskIn(tempFolder(), [user(PROMPT)]), PROMPT)).toMatch(/model before you failed/);
    expect(afterFailure(taskIn(tempFolder()), PROMPT)).toBe(PROMPT);
  });
});

describe("what a turn left in its transcript", () => {
  it("is its last visible text, whole, the sum of what it used, the model that answered last, and that a call ended it", () => {
    const long = "y".repeat(300_000);
    const task = taskIn(tempFolder(), [
      { ...answer("of an earlier turn"), timestamp: 1 },
      user(PROMPT),
      { ...answer("looking"), timestamp: 20 },
      { ...answer(long), timestamp: 30 },
      { ...answer(""), timestamp: 40, model: "second", content: [{ type: "toolCall", name: "read" }] },
    ]);
    expect(turnSince(task.transcriptPath, 10)).toEqual({
      text: long,
      yielded: true,
      model: "provider/second",
      usage: {
        input: 30,
        output: 6,
        cacheRead: 3,
        cacheWrite: 0,
        totalTokens: 39,
        costUsd: expect.closeTo(0.3, 6) as number,
        turns: 3,
        toolCalls: 0,
      },
    });
  });

  it("is nothing when there is no transcript", () => {
    expect(turnSince(join(tempFolder(), "none.jsonl"), 0)).toMatchObject({ text: "", usage: { turns: 0 } });
  });
});

describe("a transcript's lock", () => {
  it("is taken away when a thread of this process has left it, and left to another process", () => {
    const { transcriptPath } = taskIn(tempFolder(), [user(PROMPT)]);
    const lock = `${transcriptPath}.lock`;
    writeFileSync(lock, JSON.stringify({ pid: process.pid, createdAt: new Date().toISOString() }));
    breakOwnLock(transcriptPath);
    expect(() => writeFileSync(lock, JSON.stringify({ pid: process.pid + 1 }), { flag: "wx" })).not.toThrow();
    breakOwnLock(transcriptPath);
    expect(() => writeFileSync(lock, "", { flag: "wx" })).toThrow(/EEXIST/);
  });
});

type Message = Record<string, unknown> & { role: string; timestamp: number };

function taskIn(dir: string, messages: Message[] = []): EngineTask {
  const task = engineTask(dir, "one", "openclaw", PROMPT);
  const lines = messages.map((message, n) => JSON.stringify({ type: "message", id: String(n), message }));
  if (lines.length > 0) writeFileSync(task.transcriptPath, `${lines.join("\n")}\n`);
  return task;
}

function user(text: string): Message {
  return { role: "user", content: [{ type: "text", text }], timestamp: 15 };
}

function answer(text: string): Message {
  const usage = { input: 10, output: 2, cacheRead: 1, cacheWrite: 0, totalTokens: 13, cost: { total: 0.1 } };
  const content = text === "" ? [] : [{ type: "text", text }];
  return { role: "assistant", content, provider: "provider", model: "first", usage, timestamp: 16 };
}
