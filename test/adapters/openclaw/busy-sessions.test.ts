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

  const MINUTE = 60_000;
  const later = (minutes: number) => void vi.advanceTimersByTime(minutes * MINUTE);
  const call = (toolCallId: string, name: "start" | "result") =>
    tell({ runId: "run", stream: "tool", data: { phase: name, toolCallId } });
  const word = () => tell({ runId: "run", stream: "assistant", data: {} });

  it("isn't in a turn of which nothing has been heard for longer than a model thinks, until it is heard of again", () => {
    vi.useFakeTimers();
    phase("run", "start", CHAT);
    later(5);
    word();
    later(5);
    expect(busy.turnOf(CHAT)).toBe("run");

    later(2);

    expect([busy.has(CHAT), busy.turnOf(CHAT)]).toEqual([false, undefined]);
    word();
    expect(busy.turnOf(CHAT)).toBe("run");
    phase("run", "end", CHAT);
    expect([busy.has(CHAT), idle]).toEqual([false, [CHAT]]);
    word();
    expect(busy.has(CHAT)).toBe(false);
  });

  it("is in a turn that another model has taken over for little longer than OpenClaw waits for that one", () => {
    vi.useFakeTimers();
    phase("run", "start", CHAT);
    phase("run", "error", CHAT);
    phase("run", "start", CHAT);
    later(1);
    expect(busy.turnOf(CHAT)).toBe("run");
    later(1);
    expect(busy.has(CHAT)).toBe(false);
    phase("next", "start", CHAT);
    expect(busy.turnOf(CHAT)).toBe("next");
    phase("next", "end", CHAT);
    expect(idle).toEqual([CHAT, CHAT]);
  });

  it("is in its turn as long as a tool may take that is called in it", () => {
    vi.useFakeTimers();
    phase("run", "start", CHAT);
    call("waits", "start");
    call("looks", "start");
    call("looks", "result");
    later(10);
    expect(busy.has(CHAT)).toBe(true);
    call("waits", "result");
    later(7);
    expect(busy.has(CHAT)).toBe(false);

    call("never ends", "start");
    later(10);
    expect(busy.has(CHAT)).toBe(true);
    later(2);
    expect(busy.has(CHAT)).toBe(false);
  });

  it("isn't held in its turn by a call that was told after its result", () => {
    vi.useFakeTimers();
    phase("run", "start", CHAT);
    call("quick", "result");
    call("quick", "start");
    word();
    later(7);
    expect(busy.has(CHAT)).toBe(false);
  });

  it("is in its turn still when a thousand others have come and gone", () => {
    phase("run", "start", CHAT);
    for (let n = 0; n < 3_000; n += 1) {
      phase(`run-${n}`, "start", "agent:main:other");
      phase(`run-${n}`, n % 2 === 0 ? "end" : "error", "agent:main:other");
    }
    expect(busy.turnOf(CHAT)).toBe("run");
  });
});
