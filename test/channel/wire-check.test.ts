import fc from "fast-check";
import { describe, expect, it } from "vitest";

import type { EngineResult, HostRequest, ToHost, ToWorker } from "../../src/channel/protocol.ts";
import { isToHost, isToWorker } from "../../src/channel/wire-check.ts";
import { ERROR_CODES, type ErrorCode } from "../../src/errors.ts";
import type { EngineEvent } from "../../src/events.ts";
import { connect, quiet, RESULT } from "./pair.ts";

const text = fc.string({ unit: "grapheme" });
const count = fc.nat();
const cause = fc.record({ code: fc.constantFrom(...(Object.keys(ERROR_CODES) as ErrorCode[])), message: text });
const usage = fc.record({
  input: count,
  output: count,
  cacheRead: count,
  cacheWrite: count,
  totalTokens: count,
  costUsd: fc.double({ min: 0, max: 1e6, noNaN: true }),
  turns: count,
  toolCalls: count,
});
const event: fc.Arbitrary<EngineEvent> = fc.oneof(
  fc.record({ type: fc.constant("model_request" as const), model: text }),
  fc.record({ type: fc.constant("text" as const), text }),
  fc.record({ type: fc.constant("thinking" as const), text }),
  fc.record({ type: fc.constant("tool_start" as const), toolCallId: text, tool: text, detail: text }),
  fc.record({
    type: fc.constant("tool_end" as const),
    toolCallId: text,
    tool: text,
    isError: fc.boolean(),
    ms: count,
  }),
  fc.record({ type: fc.constant("usage" as const), usage, model: text }),
  fc.record({ type: fc.constant("retry" as const), model: text, reason: text }),
);
const call = { toolCallId: text, tool: text, args: fc.jsonValue() };
const request: fc.Arbitrary<HostRequest> = fc.oneof(
  fc.record({ kind: fc.constant("tool" as const), ...call }),
  fc.record({ kind: fc.constant("verdict" as const), ...call }),
  fc.record({ kind: fc.constant("refresh_model" as const), model: text }),
  fc.record({ kind: fc.constant("model_call" as const), usage }),
  fc.record({ kind: fc.constant("answering" as const), tokens: fc.nat() }),
  fc.record({ kind: fc.constant("tool_call" as const), tool: text }),
);
const result: fc.Arbitrary<EngineResult> = fc.record(
  {
    status: fc.constantFrom("ok", "error", "aborted"),
    text,
    usage,
    cause,
    model: text,
    structured: fc.jsonValue(),
    schemaError: text,
  },
  { requiredKeys: ["status", "text", "usage"] },
);
const line = fc.record(
  {
    level: fc.constantFrom("debug", "info", "warn", "error"),
    msg: text,
    time: count,
    fields: fc.dictionary(text, fc.jsonValue()),
  },
  { requiredKeys: ["level", "msg", "time"] },
);
const toHost: fc.Arbitrary<ToHost> = fc.oneof(
  fc.record({ type: fc.constant("started" as const), threadId: count }),
  fc.record({ type: fc.constant("events" as const), events: fc.array(event) }),
  fc.record({ type: fc.constant("request" as const), id: count, request }),
  fc.record({ type: fc.constant("cancel" as const), id: count }),
  fc.record({ type: fc.constant("process" as const), pid: fc.integer({ min: 1 }), alive: fc.boolean() }),
  fc.record({ type: fc.constant("log" as const), lines: fc.array(line) }),
  fc.record({ type: fc.constant("steered" as const), count }),
  fc.record({ type: fc.constant("pong" as const) }),
  fc.record({ type: fc.constant("finished" as const), result }),
);
const toWorker: fc.Arbitrary<ToWorker> = fc.oneof(
  fc.record({ type: fc.constant("credit" as const), batches: count }),
  fc.record({ type: fc.constant("watch" as const), on: fc.boolean() }),
  fc.record({ type: fc.constant("steer" as const), text }),
  fc.record({ type: fc.constant("abort" as const), cause }),
  fc.record({ type: fc.constant("ping" as const) }),
  fc.record({ type: fc.constant("reply" as const), id: count, ok: fc.constant(true as const), value: fc.jsonValue() }),
  fc.record({ type: fc.constant("reply" as const), id: count, ok: fc.constant(false as const), error: cause }),
);
const garbage = fc.oneof(
  fc.anything({ withBigInt: true, withDate: true, withMap: true, withNullPrototype: true, withSparseArray: true }),
  fc.record({ type: fc.string().map((name) => `x${name}`) }),
);

describe("the wire's shapes", () => {
  it("let every message of a run through, as structuredClone leaves it", () => {
    fc.assert(fc.property(toHost, (message) => isToHost(structuredClone(message))));
  });

  it("let every message of the host through, as structuredClone leaves it", () => {
    fc.assert(fc.property(toWorker, (message) => isToWorker(structuredClone(message))));
  });

  it("refuse any garbage without throwing", () => {
    fc.assert(fc.property(garbage, (value) => !isToHost(value) && !isToWorker(value)));
  });

  it("refuse a message with one of its fields taken out or of another type", () => {
    fc.assert(
      fc.property(
        fc.oneof(toHost, toWorker),
        fc.nat(),
        fc.constantFrom(undefined, null, {}, []),
        (message, at, bad) => {
          const fields = Object.keys(message).filter((field) => REQUIRED.has(field));
          fc.pre(fields.length > 0);
          const field = fields[at % fields.length]!;
          fc.pre(!(Array.isArray(bad) && Array.isArray(message[field as keyof typeof message])));
          const broken: unknown = { ...message, [field]: bad };
          return !isToHost(broken) && !isToWorker(broken);
        },
      ),
    );
  });

  it.each<[string, unknown]>([
    ["a reply that failed without saying why", { type: "reply", id: 1, ok: false }],
    ["a reply whose error is no error", { type: "reply", id: 1, ok: false, error: "no" }],
    ["a name every object has", { type: "constructor" }],
    ["a prototype's name", { type: "__proto__" }],
  ])("refuse %s at the worker's end", (_what, message) => {
    expect(isToWorker(message)).toBe(false);
  });

  it.each<[string, unknown]>([
    ["a process that would be this process's whole group", { type: "process", pid: 0, alive: true }],
    ["a request of unknown kind", { type: "request", id: 1, request: { kind: "format_disk" } }],
    ["a tool call without its tool", { type: "request", id: 1, request: { kind: "tool", toolCallId: "1", args: {} } }],
    ["an event of unknown type", { type: "events", events: [{ type: "settled" }] }],
    ["a log line of unknown level", { type: "log", lines: [{ level: "constructor", msg: "x", time: 1 }] }],
    ["a result whose model is no text", { type: "finished", result: { ...RESULT, model: { id: "x" } } }],
    ["a result whose schema error is no text", { type: "finished", result: { ...RESULT, schemaError: [] } }],
    ["a count of steering that is none", { type: "steered", count: -1 }],
    ["a result without any usage", { type: "finished", result: { ...RESULT, usage: {} } }],
    ["usage that is no number", { type: "finished", result: { ...RESULT, usage: { ...RESULT.usage, input: NaN } } }],
    ["a cause without a sentence", { type: "finished", result: { ...RESULT, cause: { code: "internal" } } }],
  ])("refuse %s at the host's end", (_what, message) => {
    expect(isToHost(message)).toBe(false);
  });
});

describe("garbage on the wire", () => {
  it("closes the host's end with wire_invalid, once, and aborts what it was answering", async () => {
    const aborted = Promise.withResolvers<void>();
    const { worker, workerPort, heard } = connect((_request, signal) => {
      signal.addEventListener("abort", () => aborted.resolve());
      return new Promise(() => undefined);
    });
    void worker.request("refresh_model", { model: "a/b" }).catch(() => undefined);
    workerPort.postMessage({ type: "nonsense" });
    workerPort.postMessage(null);
    workerPort.postMessage({ type: "finished", result: RESULT });
    await aborted.promise;
    await quiet(20);
    expect(heard.invalid).toEqual([expect.objectContaining({ code: "wire_invalid" })]);
    expect(heard.finished).toEqual([]);
  });

  it("is passed over by the worker's end, which goes on", async () => {
    const { worker, hostPort, told } = connect(async () => ({ allow: true }));
    for (const bad of [
      null,
      5,
      {},
      { type: "reply", id: 1, ok: false },
      { type: "reply", id: 1, ok: false, error: 5 },
    ]) {
      hostPort.postMessage(bad);
    }
    hostPort.postMessage({ type: "reply", id: 999, ok: true, value: 1 });
    await quiet(20);
    await expect(worker.request("verdict", { toolCallId: "1", tool: "x", args: {} })).resolves.toEqual({ allow: true });
    expect(told).toEqual({ aborts: [], steering: [] });
  });
});

/** Fields that no message may do without. */
const REQUIRED = new Set([
  "type",
  "threadId",
  "events",
  "request",
  "id",
  "pid",
  "alive",
  "lines",
  "result",
  "batches",
  "count",
]);
