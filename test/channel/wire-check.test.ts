import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { isToHost, isToWorker } from "../../src/channel/wire-check.ts";
import { broken, garbage, toHost, toWorker } from "./any-message.ts";
import { connect, quiet, RESULT } from "./pair.ts";

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
    fc.assert(fc.property(broken(fc.oneof(toHost, toWorker)), (value) => !isToHost(value) && !isToWorker(value)));
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
