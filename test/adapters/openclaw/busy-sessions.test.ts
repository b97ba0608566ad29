import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import type { AgentEvent } from "../../../src/adapters/openclaw/api.ts";
import { BusySessions } from "../../../src/adapters/openclaw/busy-sessions.ts";

const CHAT = "agent:main:chat";

describe("a session of the gateway", () => {
  let idle: string[];
  let busy: BusySessions;
  let tell: (event: AgentEvent) => void;

  beforeEach(() => {
    idle = [];
    busy = new BusySessions({ onAgentEvent: (listener) => ((tell = listener), () => undefined) }, (sessionKey) =>
      idle.push(sessionKey),
    );
  });

  afterEach(() => void vi.useRealTimers());

  const phase = (runId: string, name: string, sessionKey?: string) =>
    tell({ runId, stream: "lifecycle", data: { phase: name }, ...(sessionKey === undefined ? {} : { sessionKey }) });

  it.each<[how: string, sessionKey: string | undefined, hook: "before" | "after" | "never"]>([
    ["the events say", CHAT, "never"],
    ["a hook said before", undefined, "before"],
    ["a hook says later", undefined, "after"],
  ])("is in a turn from its start to its end, as %s whose it is", (_how, sessionKey, hook) => {
    if (hook === "before") busy.isTurnOf("run", CHAT);
    expect(busy.has(CHAT)).toBe(false);
    phase("run", "start", sessionKey);
    if (hook === "after") busy.isTurnOf("run", CHAT);
    expect([busy.has(CHAT), busy.turnOf(CHAT)]).toEqual([true, "run"]);
    phase("run", "end", sessionKey);
    expect([busy.has(CHAT), busy.turnOf(CHAT), idle]).toEqual([false, undefined, [CHAT]]);
  });

  it("is idle when the last of its turns is over, and in none of them alone before", () => {
    busy.isTurnOf("one", CHAT);
    phase("one", "start");
    phase("two", "start", CHAT);
    expect(busy.turnOf(CHAT)).toBeUndefined();
    phase("one", "error");
    expect([busy.turnOf(CHAT), idle]).toEqual(["two", []]);
    phase("two", "end", CHAT);
    expect(idle).toEqual([CHAT]);
  });

  it("isn't in a turn of which nobody says whose it is", () => {
    phase("run", "start");
    expect(busy.has(CHAT)).toBe(false);
    phase("run", "end");
    expect(idle).toEqual([]);
  });

  it("isn't in a turn that hooks told of and that never begins", () => {
    for (let n = 0; n < 3_000; n += 1) busy.isTurnOf(`run-${n}`, CHAT);
    expect(busy.has(CHAT)).toBe(false);
    phase("run-2999", "start");
    phase("run-0", "start");
    expect(busy.turnOf(CHAT)).toBe("run-2999");
  });

  it("isn't in a turn of which nothing has been heard for longer than OpenClaw waits for a model", () => {
    vi.useFakeTimers();
    phase("run", "start", CHAT);
    vi.advanceTimersByTime(60_000);
    tell({ runId: "run", stream: "assistant", data: {} });
    vi.advanceTimersByTime(60_000);
    expect(busy.turnOf(CHAT)).toBe("run");

    vi.advanceTimersByTime(60_000);

    expect([busy.has(CHAT), busy.turnOf(CHAT)]).toEqual([false, undefined]);
    phase("next", "start", CHAT);
    expect(busy.turnOf(CHAT)).toBe("next");
    phase("next", "end", CHAT);
    expect(idle).toEqual([CHAT]);
  });

  it("is in its turn as long as a tool may take that is called in it", () => {
    vi.useFakeTimers();
    const call = (toolCallId: string, name: string) =>
      tell({ runId: "run", stream: "tool", data: { phase: name, toolCallId } });
    phase("run", "start", CHAT);
    call("waits", "start");
    call("looks", "start");
    call("looks", "result");
    vi.advanceTimersByTime(600_000);
    expect(busy.has(CHAT)).toBe(true);

    call("waits", "result");
    vi.advanceTimersByTime(60_000);
    expect(busy.has(CHAT)).toBe(true);
    vi.advanceTimersByTime(60_000);
    expect(busy.has(CHAT)).toBe(false);

    phase("run", "start", CHAT);
    call("never ends", "start");
    vi.advanceTimersByTime(3_600_000);
    expect(busy.has(CHAT)).toBe(false);
  });
});
