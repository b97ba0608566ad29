import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { deliverByTurn } from "../../../src/adapters/openclaw/delivery.ts";
import { ChannelSends } from "../../../src/adapters/openclaw/channel-sends.ts";
import type { HostRuntime } from "../../../src/adapters/openclaw/api.ts";
import type { Route } from "../../../src/adapters/openclaw/requester-session.ts";
import type { KeyState } from "../../../src/adapters/openclaw/requester-transcript.ts";
import { createLogger } from "../../../src/log.ts";
import type { Completion } from "../../../src/types.ts";

const SESSION = "agent:main:chat";

let gateway: ReturnType<typeof startGateway>;

beforeEach(() => {
  gateway = startGateway();
});
afterEach(() => gateway.endAll());

describe("a delivery as a turn", () => {
  it("is done when its turn has gone well, and holds all the results at once", async () => {
    const delivered = gateway.deliver(results("one", "two"));
    await gateway.turnsStarted(1);
    gateway.turns[0]!.end("ok");
    expect(await delivered).toBe("delivered");
    expect(gateway.turns[0]!.message).toContain("result of one");
    expect(gateway.turns[0]!.message).toContain("result of two");
  });

  it("is looked for once the gateway has had time for the turn's own end, which a look would make longer", async () => {
    const delivered = gateway.deliver(results("one"));
    await gateway.turnsStarted(1);
    const ended = performance.now();
    gateway.turns[0]!.end("ok");
    await delivered;
    expect(gateway.looks).toHaveLength(1);
    expect(gateway.looks[0]! - ended).toBeGreaterThan(200);
  });

  it("is done when its key is answered in the transcript, though the turn fails after that", async () => {
    const delivered = gateway.deliver(results("one"));
    await gateway.turnsStarted(1);
    gateway.transcript.set("subagent:one", "answered");
    gateway.turns[0]!.end("error");
    expect(await delivered).toBe("delivered");
  });

  it.each(["ok", "error"])("isn't done when its model answered with an error and the turn ended %s", async (status) => {
    const delivered = gateway.deliver(results("one"));
    await gateway.turnsStarted(1);
    gateway.transcript.set("subagent:one", "failed");
    gateway.turns[0]!.end(status);
    await expect(delivered).rejects.toThrow(SESSION);
  });

  it("starts none while the requester is in a turn of its own", async () => {
    gateway.busy = true;
    expect(await gateway.deliver(results("one"))).toBe("busy");
    expect(gateway.turns).toEqual([]);
  });

  it("that was cut short without an answer has failed", async () => {
    const delivered = gateway.deliver(results("one"));
    await gateway.turnsStarted(1);
    gateway.turns[0]!.end("timeout");
    await expect(delivered).rejects.toThrow(/failed/);
  });
});

describe("a private result", () => {
  it("has a turn of its own, whose answer goes to no channel", async () => {
    gateway.route = { channel: "test", to: "someone" };
    const [one, two] = results("one", "two");
    const delivered = gateway.deliver([{ ...one!, completionTarget: "parent" }, two!]);
    await gateway.turnsStarted(2);
    expect(gateway.turns.map(({ message, deliver }) => [/result of (\w+)/.exec(message)![1], deliver])).toEqual([
      ["two", true],
      ["one", false],
    ]);
    gateway.turns[0]!.end("ok");
    gateway.turns[1]!.end("ok");
    expect(await delivered).toBe("delivered");
  });

  it("becomes no system event, which a heartbeat may answer to a channel", async () => {
    gateway.refuses = "overloaded";
    const [one] = results("one");
    for (let tries = 0; tries < 5; tries++) {
      await expect(gateway.deliver([{ ...one!, completionTarget: "parent" }])).rejects.toThrow("overloaded");
    }
    expect(gateway.events).toEqual([]);
  });
});

describe("a try after a turn that failed", () => {
  it("is a new turn, not the gateway's memory of the failed one", async () => {
    for (const n of [1, 2, 3, 4, 5]) {
      const delivered = gateway.deliver(results("one"));
      await gateway.turnsStarted(n);
      gateway.turns[n - 1]!.end("error");
      await expect(delivered).rejects.toThrow(/failed/);
    }
    const delivered = gateway.deliver(results("one"));
    await gateway.turnsStarted(6);
    gateway.turns[5]!.end("ok");
    expect(await delivered).toBe("delivered");
    expect(gateway.events).toEqual([]);
  });

  it("takes all of its results along in one turn", async () => {
    const first = gateway.deliver(results("one", "two", "three"));
    await gateway.turnsStarted(1);
    gateway.turns[0]!.end("error");
    await expect(first).rejects.toThrow(/failed/);
    const second = gateway.deliver(results("one", "two", "three"));
    await gateway.turnsStarted(2);
    for (const word of ["one", "two", "three"]) expect(gateway.turns[1]!.message).toContain(`result of ${word}`);
    gateway.turns[1]!.end("ok");
    expect(await second).toBe("delivered");
  });

  it("is none while the turn may still be under way", async () => {
    gateway = startGateway(60);
    await expect(gateway.deliver(results("one"))).rejects.toThrow(/took the result up/);
    await expect(gateway.deliver(results("one"))).rejects.toThrow(/took the result up/);
    gateway.turns[0]!.end("ok");
    expect(await gateway.deliver(results("one"))).toBe("delivered");
    expect(gateway.turns).toHaveLength(1);
  });

  it("asks with another key when the gateway holds a failure against the first from an earlier life", async () => {
    const before = gateway.deliver(results("one"));
    await gateway.turnsStarted(1);
    gateway.turns[0]!.end("error");
    await expect(before).rejects.toThrow(/failed/);
    gateway.pluginStartsAnew();
    await expect(gateway.deliver(results("one"))).rejects.toThrow("the failure again");
    const delivered = gateway.deliver(results("one"));
    await gateway.turnsStarted(2);
    gateway.turns[1]!.end("ok");
    expect(await delivered).toBe("delivered");
  });
});

describe("what is kept of a result that was given up", () => {
  afterEach(() => void vi.useRealTimers());

  it("is dropped once nobody has asked for an hour", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
    const failing = async (word: string, turn: number): Promise<void> => {
      const delivered = gateway.deliver(results(word));
      await gateway.turnsStarted(turn);
      gateway.turns[turn - 1]!.end("error");
      await expect(delivered).rejects.toThrow(/failed/);
    };
    await failing("one", 1);
    vi.setSystemTime(Date.now() + 59 * 60_000);
    await failing("one", 2);
    vi.setSystemTime(Date.now() + 61 * 60_000);
    // It is asked for like a new one, with the key that the first turn had.
    await expect(gateway.deliver(results("one"))).rejects.toThrow("the failure again");
    expect(gateway.turns).toHaveLength(2);
  });
});

describe("a gateway that starts no turn", () => {
  it("is handed a system event at the third try, once, which doesn't count before it is read", async () => {
    gateway.refuses = "overloaded";
    await expect(gateway.deliver(results("one"))).rejects.toThrow("overloaded");
    await expect(gateway.deliver(results("one"))).rejects.toThrow("overloaded");
    await expect(gateway.deliver(results("one"))).rejects.toThrow(/waits in .* as a system event/);
    expect(gateway.events).toEqual([expect.stringContaining("result of one")]);
    gateway.refuses = undefined;
    await expect(gateway.deliver(results("one"))).rejects.toThrow(/waits in .* as a system event/);
    expect(gateway.events).toHaveLength(1);
    expect(gateway.turns).toEqual([]);
  });

  it("doesn't keep what came later from being told, nor has that told twice", async () => {
    gateway.refuses = "overloaded";
    for (let tries = 0; tries < 3; tries += 1) await gateway.deliver(results("one")).catch(() => undefined);
    gateway.refuses = undefined;
    const delivered = gateway.deliver(results("one", "two"));
    await gateway.turnsStarted(1);
    gateway.turns[0]!.end("ok");
    await expect(delivered).rejects.toThrow(/system event/);
    expect(gateway.turns[0]!.message).not.toContain("result of one");
    await expect(gateway.deliver(results("one", "two"))).rejects.toThrow(/system event/);
    expect(gateway.turns).toHaveLength(1);
  });
});

describe("a delivery to a chat at a channel", () => {
  const refused = () => gateway.sends.sent({ to: "alice", success: false, error: "no" }, { channelId: "porch" });

  beforeEach(() => {
    gateway.route = { channel: "porch", to: "alice" };
    // Those of `node:timers/promises`, and of the poll, go on.
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  });
  afterEach(() => void vi.useRealTimers());

  it("has its answer's refusal told, also when it goes out a while after the turn", async () => {
    const delivered = gateway.deliver(results("one"));
    await gateway.turnsStarted(1);
    gateway.turns[0]!.end("ok");
    await delivered;
    await vi.advanceTimersByTimeAsync(30_000);
    refused();
    expect(gateway.warnings).toEqual([expect.stringContaining("did not go out to its channel: no")]);
  });

  it("that had nothing to say doesn't have what is sent there later taken for its answer", async () => {
    const delivered = gateway.deliver(results("one"));
    await gateway.turnsStarted(1);
    gateway.turns[0]!.end("ok");
    await delivered;
    await vi.advanceTimersByTimeAsync(61_000);
    refused();
    expect(gateway.warnings).toEqual([]);
  });

  it("is expected to answer as long as its turn goes on, though its result is in the transcript", async () => {
    const delivered = gateway.deliver(results("one"));
    await gateway.turnsStarted(1);
    gateway.transcript.set("subagent:one", "answered");
    await delivered;
    await vi.advanceTimersByTimeAsync(600_000);
    refused();
    expect(gateway.warnings).toHaveLength(1);
  });

  it("that was not started is expected to answer nothing", async () => {
    vi.useRealTimers();
    gateway.refuses = "overloaded";
    await expect(gateway.deliver(results("one"))).rejects.toThrow("overloaded");
    gateway.warnings.length = 0;
    refused();
    expect(gateway.warnings).toEqual([]);
  });
});

type Turn = { message: string; deliver: boolean | undefined; end(status: string): void };

/** The outside world: turns that end as they are told, and answers for keys that are known, as 2026.4.1 keeps them. */
function startGateway(timeoutMs = 30_000) {
  const known = new Map<string, { ended: Promise<string>; failed: boolean }>();
  const transcript = new Map<string, KeyState>();
  /** When the transcript was searched, by `performance.now()`. */
  const looks: number[] = [];
  const turns: Turn[] = [];
  const events: string[] = [];
  const warnings: string[] = [];
  const logger = { ...createLogger(), warn: (_fields: object, message: string) => void warnings.push(message) };
  const sends = new ChannelSends(logger);
  const state = { busy: false, refuses: undefined as string | undefined, route: undefined as Route | undefined };
  const subagent: HostRuntime["subagent"] = {
    run: async ({ message, deliver, idempotencyKey }) => {
      if (state.refuses !== undefined) throw new Error(state.refuses);
      const earlier = known.get(idempotencyKey);
      if (earlier?.failed) throw new Error("the failure again");
      if (earlier === undefined) {
        const ended = Promise.withResolvers<string>();
        const turn = { ended: ended.promise, failed: false };
        known.set(idempotencyKey, turn);
        const end = (status: string): void => {
          turn.failed = status !== "ok";
          ended.resolve(status);
        };
        turns.push({ message, deliver, end });
      }
      return { runId: idempotencyKey };
    },
    waitForRun: async ({ runId, timeoutMs }) => {
      const late = new Promise<string>((resolve) => setTimeout(() => resolve("timeout"), timeoutMs).unref());
      return { status: await Promise.race([known.get(runId)?.ended ?? late, late]) };
    },
    getSessionMessages: async () => ({ messages: [] }),
  };
  const system: HostRuntime["system"] = { enqueueSystemEvent: (text) => void events.push(text) };
  const plugin = () =>
    deliverByTurn({
      runtime: { subagent, system },
      sends,
      busy: { has: () => state.busy },
      search: async (_session, keys) => {
        looks.push(performance.now());
        return new Map([...transcript].filter(([key]) => keys.includes(key)));
      },
      sessions: async () => (state.route === undefined ? undefined : { route: state.route }),
      logger,
      stillToCome: async () => 0,
      timeoutMs,
    });
  let deliver = plugin();
  return Object.assign(state, {
    transcript,
    looks,
    turns,
    events,
    sends,
    warnings,
    deliver: (completions: Completion[]) => deliver(completions),
    pluginStartsAnew: () => void (deliver = plugin()),
    turnsStarted: (count: number) => expect.poll(() => turns.length, { interval: 5 }).toBe(count),
    endAll: () => turns.forEach((turn) => turn.end("ok")),
  });
}

function results(...words: string[]): Completion[] {
  return words.map((word) => ({
    key: `subagent:${word}`,
    runId: word,
    childSessionKey: `agent:main:subagent:${word}`,
    sessionId: word,
    requesterSessionKey: SESSION,
    outcome: { status: "ok" },
    task: word,
    text: word,
    usage: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0, totalTokens: 0, costUsd: 0, turns: 1, toolCalls: 0 },
    runtimeMs: 1,
    message: `result of ${word}`,
  }));
}
