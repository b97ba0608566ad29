/** Any message that may cross a run's channel, of each kind by its name: a kind that isn't here doesn't compile. */

import fc from "fast-check";

import type {
  EngineResult,
  HostRequest,
  HostRequestKind,
  LogLine,
  ToHost,
  ToWorker,
} from "../../src/channel/protocol.ts";
import { ERROR_CODES, type Cause, type ErrorCode } from "../../src/errors.ts";
import type { EngineEvent } from "../../src/events.ts";

/** One generator for each member of a union, by the field that tells them apart. */
type EachOf<Union, Tag extends keyof Union> = {
  [Name in Union[Tag] & string]: fc.Arbitrary<Extract<Union, Record<Tag, Name>>>;
};

const text = fc.oneof(fc.string({ unit: "grapheme" }), fc.constantFrom("", " a ", "\n", "\uD800", "a\u0000b"));
const count = fc.nat();

export const cause: fc.Arbitrary<Cause> = fc.record({
  code: fc.constantFrom(...(Object.keys(ERROR_CODES) as ErrorCode[])),
  message: text,
});

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

export const EVENTS: EachOf<EngineEvent, "type"> = {
  model_request: fc.record({ type: fc.constant("model_request"), model: text }),
  text: fc.record({ type: fc.constant("text"), text }),
  thinking: fc.record({ type: fc.constant("thinking"), text }),
  tool_start: fc.record({ type: fc.constant("tool_start"), toolCallId: text, tool: text, detail: text }),
  tool_end: fc.record({
    type: fc.constant("tool_end"),
    toolCallId: text,
    tool: text,
    isError: fc.boolean(),
    ms: count,
  }),
  usage: fc.record({ type: fc.constant("usage"), usage, model: text }),
  retry: fc.record({ type: fc.constant("retry"), model: text, reason: text }),
};
export const event: fc.Arbitrary<EngineEvent> = fc.oneof(...Object.values(EVENTS));

const call = { toolCallId: text, tool: text, args: fc.jsonValue() };
export const REQUESTS: EachOf<HostRequest, "kind"> = {
  tool: fc.record({ kind: fc.constant("tool"), ...call }),
  verdict: fc.record({ kind: fc.constant("verdict"), ...call }),
  refresh_model: fc.record({ kind: fc.constant("refresh_model"), model: text }),
  model_call: fc.record({ kind: fc.constant("model_call"), usage }),
  answering: fc.record({ kind: fc.constant("answering"), tokens: count }),
  tool_call: fc.record({ kind: fc.constant("tool_call"), tool: text }),
};
export const REQUEST_KINDS = Object.keys(REQUESTS) as HostRequestKind[];
export const request: fc.Arbitrary<HostRequest> = fc.oneof(...Object.values(REQUESTS));

export const result: fc.Arbitrary<EngineResult> = fc.record(
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

const line: fc.Arbitrary<LogLine> = fc.record(
  {
    level: fc.constantFrom("debug", "info", "warn", "error"),
    msg: text,
    time: count,
    fields: fc.dictionary(text, fc.jsonValue()),
  },
  { requiredKeys: ["level", "msg", "time"] },
);

export const TO_HOST: EachOf<ToHost, "type"> = {
  started: fc.record({ type: fc.constant("started"), threadId: count }),
  events: fc.record({ type: fc.constant("events"), events: fc.array(event) }),
  request: fc.record({ type: fc.constant("request"), id: count, request }),
  cancel: fc.record({ type: fc.constant("cancel"), id: count }),
  process: fc.record({ type: fc.constant("process"), pid: fc.integer({ min: 1 }), alive: fc.boolean() }),
  log: fc.record({ type: fc.constant("log"), lines: fc.array(line) }),
  opened: fc.record({ type: fc.constant("opened") }),
  steered: fc.record({ type: fc.constant("steered"), count }),
  pong: fc.record({ type: fc.constant("pong") }),
  finished: fc.record({ type: fc.constant("finished"), result }),
};
export const toHost: fc.Arbitrary<ToHost> = fc.oneof(...Object.values(TO_HOST));

export const TO_WORKER: EachOf<ToWorker, "type"> = {
  credit: fc.record({ type: fc.constant("credit"), batches: count }),
  watch: fc.record({ type: fc.constant("watch"), on: fc.boolean() }),
  steer: fc.record({ type: fc.constant("steer"), text }),
  abort: fc.record({ type: fc.constant("abort"), cause }),
  ping: fc.record({ type: fc.constant("ping") }),
  reply: fc.oneof(
    fc.record({ type: fc.constant("reply"), id: count, ok: fc.constant(true), value: fc.jsonValue() }),
    fc.record({ type: fc.constant("reply"), id: count, ok: fc.constant(false), error: cause }),
  ),
};
export const toWorker: fc.Arbitrary<ToWorker> = fc.oneof(...Object.values(TO_WORKER));

/** Anything that can be posted and is no message. */
export const garbage: fc.Arbitrary<unknown> = fc.oneof(
  fc.anything({ withBigInt: true, withDate: true, withMap: true, withNullPrototype: true, withSparseArray: true }),
  fc.record({ type: fc.string().map((name) => `x${name}`) }),
);

/** A message that would be right but for one of its fields: left out, or of another type. */
export function broken<Message extends ToHost | ToWorker>(messages: fc.Arbitrary<Message>): fc.Arbitrary<unknown> {
  return fc.tuple(messages, fc.nat(), fc.constantFrom(undefined, null, {}, [])).map(([message, at, bad]): unknown => {
    const fields = Object.keys(message).filter((field) => REQUIRED.has(field));
    const field = fields[at % fields.length]!;
    const isStill = Array.isArray(bad) && Array.isArray(message[field as keyof Message]);
    return { ...message, [field]: isStill ? null : bad };
  });
}

/** Fields that no message may do without, and whose type no reader may mistake. */
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
  "on",
  "text",
  "cause",
  "ok",
]);
