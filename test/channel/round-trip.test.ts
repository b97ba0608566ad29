import { setImmediate as turn } from "node:timers/promises";
import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { HostEnd, type HostEndHandlers } from "../../src/channel/host-end.ts";
import type { ToHost, ToWorker } from "../../src/channel/protocol.ts";
import { WorkerEnd } from "../../src/channel/worker-end.ts";
import { InprocessError } from "../../src/errors.ts";
import * as any from "./any-message.ts";
import { openChannel, until } from "./pair.ts";

describe("what a run tells", () => {
  test("reaches the host as it was sent and in the order it was sent, of whatever kind", async () => {
    const { finished: _last, ...others } = any.TO_HOST;
    const seen = new Set<string>(["finished"]);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.oneof(...Object.values(others))), any.result, async (messages, result) => {
        const line = openLine();
        for (const message of messages) line.worker.post(message);
        line.worker.finish(result);
        await line.over;
        expect(line.heard).toEqual([...messages.flatMap(asHeard), { type: "finished", result }]);
        for (const { type } of messages) seen.add(type);
      }),
      { numRuns: 200 },
    );
    expect([...seen].sort()).toEqual(Object.keys(any.TO_HOST).sort());
  });

  test("goes on reaching it however much there is: each batch that was heard buys another", async () => {
    const { text: _merged, thinking: _too, ...single } = any.EVENTS;
    const events = fc.array(fc.oneof(...Object.values(single)), { minLength: 10, maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(events, async (sent) => {
        const line = openLine();
        const batches = () => line.heard as Extract<ToHost, { type: "events" }>[];
        for (const event of sent) {
          line.worker.emit(event);
          await turn();
        }
        await until(() => batches().flatMap((batch) => batch.events).length === sent.length);
        expect(batches().flatMap((batch) => batch.events)).toEqual(sent);
        expect(batches().length).toBeGreaterThan(1);
        line.host.close();
      }),
      { numRuns: 30 },
    );
  });

  test("is told apart as text and thinking where it is watched, and nothing of it is lost", async () => {
    const pieces = fc.array(fc.oneof(any.EVENTS.text, any.EVENTS.thinking), { minLength: 1 });
    await fc.assert(
      fc.asyncProperty(pieces, any.result, async (sent, result) => {
        const line = openLine();
        line.host.watch(true);
        await until(() => line.worker.watched);
        for (const event of sent) line.worker.emit(event);
        line.worker.finish(result);
        await line.over;
        const heard = (line.heard as ToHost[]).flatMap((message) => (message.type === "events" ? message.events : []));
        for (const type of ["text", "thinking"] as const) {
          const join = (events: { type: string }[]) =>
            events.map((event) => (event.type === type ? (event as { text?: string }).text : "")).join("");
          expect(join(heard)).toBe(join(sent));
        }
      }),
      { numRuns: 50 },
    );
  });
});

describe("what the host tells", () => {
  test("reaches the run as it was sent and in the order it was sent", async () => {
    const kinds = fc.oneof(any.TO_WORKER.watch, any.TO_WORKER.steer, any.TO_WORKER.abort, any.TO_WORKER.ping);
    await fc.assert(
      fc.asyncProperty(fc.array(kinds), async (messages) => {
        const line = openLine();
        for (const message of messages) tell(line.host, message);
        line.host.ping();
        const pings = messages.filter(({ type }) => type === "ping").length + 1;
        await until(() => line.heard.length === pings);
        expect(line.heard).toEqual(Array.from({ length: pings }, () => ({ type: "pong" })));
        expect(line.told).toEqual(messages.filter(({ type }) => type === "steer" || type === "abort"));
        const watched = messages.findLast((message) => message.type === "watch");
        expect(line.worker.watched).toBe(watched?.on ?? false);
        line.host.close();
      }),
      { numRuns: 150 },
    );
  });
});

describe("a request", () => {
  test.each(any.REQUEST_KINDS)(
    "for a %s arrives as it was made, and its answer or error goes back to it alone",
    async (kind) => {
      const answer = fc.oneof(
        fc.record({ ok: fc.constant(true), value: fc.jsonValue() }),
        fc.record({ ok: fc.constant(false), error: any.cause }),
      );
      const asked = fc.array(fc.tuple(any.REQUESTS[kind], answer), { minLength: 1, maxLength: 6 });
      await fc.assert(
        fc.asyncProperty(asked, async (pairs) => {
          const waiting: (() => void)[] = [];
          const line = openLine(async () => {
            const reply = pairs[waiting.length]![1];
            await new Promise<void>((resolve) => waiting.push(resolve));
            if (reply.ok) return reply.value;
            throw new InprocessError(reply.error.code, reply.error.message);
          });
          const replies = pairs.map(([{ kind: _kind, ...params }]) => line.worker.request(kind, params as never));
          const settled = Promise.allSettled(replies);
          await until(() => waiting.length === pairs.length);
          // Answered from the last to the first.
          for (const go of waiting.reverse()) go();
          for (const [n, reply] of (await settled).entries()) {
            const expected = pairs[n]![1];
            if (expected.ok) expect(reply).toEqual({ status: "fulfilled", value: expected.value });
            else expect(reply).toMatchObject({ status: "rejected", reason: expected.error });
          }
          expect(line.heard).toEqual(pairs.map(([request]) => ({ type: "request", request })));
          line.host.close();
        }),
        { numRuns: 50 },
      );
    },
  );

  test("that is given up is given up at the host's end, that one and no other", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(any.request, { minLength: 1, maxLength: 5 }), fc.nat(), async (requests, at) => {
        const signals: AbortSignal[] = [];
        const line = openLine((_request, signal) => {
          signals.push(signal);
          return new Promise(() => undefined);
        });
        const given = at % requests.length;
        const reason = new InprocessError("run_timeout", "Time is up.");
        const controller = new AbortController();
        const replies = requests.map(({ kind, ...params }, n) =>
          line.worker.request(kind, params as never, n === given ? controller.signal : undefined),
        );
        for (const reply of replies) reply.catch(() => undefined);
        controller.abort(reason);
        await expect(replies[given]).rejects.toBe(reason);
        await until(() => signals.some((signal) => signal.aborted));
        expect(signals.map((signal) => signal.aborted)).toEqual(requests.map((_, n) => n === given));
        line.host.close();
      }),
      { numRuns: 50 },
    );
  });
});

/** Both real ends of a real channel: what the host hears and what the run is told, in the order it comes. */
function openLine(answer: HostEndHandlers["request"] = async () => undefined) {
  const { port1, port2 } = openChannel();
  const heard: unknown[] = [];
  const told: unknown[] = [];
  const { promise: over, resolve: end } = Promise.withResolvers<void>();
  const host = new HostEnd(port1, {
    started: (threadId) => void heard.push({ type: "started", threadId }),
    opened: () => void heard.push({ type: "opened" }),
    events: (events) => void heard.push({ type: "events", events }),
    request: (request, signal) => {
      heard.push({ type: "request", request });
      return answer(request, signal);
    },
    process: (pid, alive) => void heard.push({ type: "process", pid, alive }),
    log: (lines) => void heard.push({ type: "log", lines }),
    steered: (count) => void heard.push({ type: "steered", count }),
    pong: () => void heard.push({ type: "pong" }),
    finished: (result) => end(void heard.push({ type: "finished", result })),
    invalid: (cause) => end(void heard.push({ type: "invalid", cause })),
  });
  const worker = new WorkerEnd(port2, {
    abort: (cause) => void told.push({ type: "abort", cause }),
    steer: (text) => void told.push({ type: "steer", text }),
  });
  return { host, worker, heard, told, over };
}

/** What comes of a message at the host's end: a request's number is the channel's own, and no request was to be cancelled. */
function asHeard(message: ToHost): unknown[] {
  if (message.type === "cancel") return [];
  return [message.type === "request" ? { type: "request", request: message.request } : message];
}

function tell(host: HostEnd, message: Extract<ToWorker, { type: "watch" | "steer" | "abort" | "ping" }>): void {
  switch (message.type) {
    case "watch":
      return host.watch(message.on);
    case "steer":
      return host.steer(message.text);
    case "abort":
      return host.abort(message.cause);
    case "ping":
      return host.ping();
  }
}
