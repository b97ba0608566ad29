import { describe, expect, it } from "vitest";

import { ERROR_CODES, InprocessError, type ErrorCode } from "../../src/errors.ts";
import { connect, quiet, RESULT } from "./pair.ts";

const MODEL = { model: "a/b" };
const CALL = { toolCallId: "1", tool: "look", args: { deep: [1, { x: null }] } };

describe("a request over the channel", () => {
  it("comes back with the host's answer, each to its own question", async () => {
    const { worker } = connect(async (request) => {
      const { toolCallId } = request as typeof CALL;
      // Answered in the opposite order.
      await new Promise((resolve) => setTimeout(resolve, 40 - Number(toolCallId) * 10));
      return { content: [{ type: "text", text: `answer ${toolCallId}` }] };
    });
    const answers = await Promise.all(
      ["0", "1", "2", "3"].map((toolCallId) => worker.request("tool", { ...CALL, toolCallId })),
    );
    expect(answers.map((answer) => answer.content[0]!.text)).toEqual(["answer 0", "answer 1", "answer 2", "answer 3"]);
  });

  it("arrives with its arguments as they were", async () => {
    const seen: unknown[] = [];
    const { worker } = connect(async (request) => void seen.push(request));
    await worker.request("tool", CALL);
    expect(seen).toEqual([{ kind: "tool", ...CALL }]);
  });

  it.each(Object.keys(ERROR_CODES) as ErrorCode[])("rejects with the host's code %s and sentence", async (code) => {
    const { worker } = connect(async () => {
      throw new InprocessError(code, "This is why.");
    });
    const failure = worker.request("refresh_model", MODEL);
    await expect(failure).rejects.toBeInstanceOf(InprocessError);
    await expect(failure).rejects.toMatchObject({ code, message: "This is why." });
  });

  it("rejects with the code internal and the text of any other error", async () => {
    const { worker } = connect(() => Promise.reject(new TypeError("x is not a function")));
    await expect(worker.request("refresh_model", MODEL)).rejects.toMatchObject({
      code: "internal",
      message: "x is not a function",
    });
  });

  it("rejects when the answer can't be sent", async () => {
    const { worker } = connect(async () => ({ toString: () => "a function can't be cloned" }));
    await expect(worker.request("tool", CALL)).rejects.toMatchObject({ code: "internal" });
  });

  it("that is aborted rejects with the reason at once and aborts the host's work", async () => {
    const aborted = Promise.withResolvers<void>();
    const { worker } = connect((_request, signal) => {
      signal.addEventListener("abort", () => aborted.resolve());
      return new Promise(() => undefined);
    });
    const controller = new AbortController();
    const asked = worker.request("tool", CALL, controller.signal);
    await quiet(20);
    controller.abort(new InprocessError("run_timeout", "Time is up."));
    await expect(asked).rejects.toMatchObject({ code: "run_timeout" });
    await aborted.promise;
  });

  it("isn't sent when it is aborted already", async () => {
    let asked = 0;
    const { worker } = connect(async () => void asked++);
    const aborted = AbortSignal.abort(new InprocessError("run_killed", "Killed."));
    await expect(worker.request("tool", CALL, aborted)).rejects.toMatchObject({ code: "run_killed" });
    await quiet(20);
    expect(asked).toBe(0);
  });

  it("leaves no listener on its signal once it is answered", async () => {
    const { worker } = connect(async () => undefined);
    const controller = new AbortController();
    await worker.request("tool", CALL, controller.signal);
    controller.abort();
    await quiet(20);
  });

  it("being answered while the host closes has its work aborted", async () => {
    const aborted = Promise.withResolvers<void>();
    const { worker, host } = connect((_request, signal) => {
      signal.addEventListener("abort", () => aborted.resolve());
      return new Promise(() => undefined);
    });
    void worker.request("tool", CALL).catch(() => undefined);
    await quiet(20);
    host.close();
    host.close();
    await aborted.promise;
  });
});

describe("what the host tells", () => {
  it("reaches the run: aborts with their cause, steering in order", async () => {
    const { host, told } = connect();
    host.steer("one");
    host.steer("two");
    host.abort({ code: "run_timeout", message: "Time is up." });
    await quiet(20);
    expect(told).toEqual({ aborts: [{ code: "run_timeout", message: "Time is up." }], steering: ["one", "two"] });
  });

  it("switches text on and off", async () => {
    const { host, worker, heard } = connect();
    host.watch(true);
    await quiet(20);
    worker.emit({ type: "text", text: "seen" });
    await quiet(100);
    host.watch(false);
    await quiet(20);
    worker.emit({ type: "text", text: "unseen" });
    await quiet(100);
    expect(heard.events).toEqual([[{ type: "text", text: "seen" }]]);
  });

  it("is answered by a pong", async () => {
    const { host, heard } = connect();
    host.ping();
    await quiet(20);
    expect(heard.pongs).toBe(1);
  });
});

describe("what a run tells", () => {
  it("reaches the host: its thread, its processes, its logs, its result", async () => {
    const { worker, heard } = connect();
    worker.post({ type: "started", threadId: 3 });
    worker.post({ type: "process", pid: 17, alive: true });
    worker.post({ type: "process", pid: 17, alive: false });
    worker.log({ level: "error", msg: "oh", time: 5, fields: { a: 1 } });
    worker.finish(RESULT);
    await quiet(20);
    expect(heard).toMatchObject({
      started: [3],
      processes: [
        [17, true],
        [17, false],
      ],
      logs: [{ level: "error", msg: "oh", time: 5, fields: { a: 1 } }],
      finished: [RESULT],
      invalid: [],
    });
  });

  it("gets its credit back, so that a long run is heard to its end", async () => {
    const { worker, heard } = connect();
    for (let n = 0; n < 100; n++) {
      worker.emit({ type: "tool_start", toolCallId: String(n), tool: "read", detail: "" });
      await new Promise((resolve) => setImmediate(resolve));
    }
    await quiet();
    expect(heard.events.flat()).toHaveLength(100);
    expect(heard.events.length).toBeGreaterThan(4);
  });

  it("is heard no more after its result", async () => {
    const { worker, heard, workerPort } = connect();
    worker.finish(RESULT);
    workerPort.postMessage({ type: "finished", result: { ...RESULT, text: "again" } });
    await quiet(20);
    expect(heard.finished).toEqual([RESULT]);
  });
});

it("a thread's last words are taken at once when it is known to be gone, and nothing after its result", () => {
  const { host, heard, workerPort } = connect();
  workerPort.postMessage({ type: "started", threadId: 7 });
  workerPort.postMessage({ type: "finished", result: RESULT });
  workerPort.postMessage({ type: "pong" });
  host.drain();
  expect(heard).toMatchObject({ started: [7], finished: [RESULT], pongs: 0 });
  host.drain();
  expect(heard.finished).toHaveLength(1);
});
