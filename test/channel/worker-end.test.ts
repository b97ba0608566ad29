import { describe, expect, it } from "vitest";

import type { EngineEvent } from "../../src/events.ts";
import { deafHost, quiet, RESULT } from "./pair.ts";

describe("events on their way to the host", () => {
  it("go out in at most four batches while the host answers none", async () => {
    const { worker, sent } = deafHost();
    for (let n = 0; n < 50; n++) {
      worker.emit(toolStart(n));
      await turn();
    }
    await quiet();
    expect(sent.filter((message) => message.type === "events")).toHaveLength(4);
  });

  it("are held meanwhile, text merged, and nothing is lost once the host goes on", async () => {
    const { worker, sent, hostPort } = deafHost();
    for (let n = 0; n < 50; n++) {
      worker.emit({ type: "text", text: `${n},` });
      worker.emit({ type: "text", text: "" });
      if (n % 10 === 9) worker.emit(toolStart(n));
      await turn();
    }
    const before = eventsIn(sent).length;
    hostPort.postMessage({ type: "credit", batches: 1 });
    await quiet();
    expect(batchesIn(sent)).toHaveLength(5);
    const events = eventsIn(sent);
    expect(events.length).toBeGreaterThan(before);
    expect(textOf(events)).toBe(Array.from({ length: 50 }, (_, n) => `${n},`).join(""));
    expect(events.filter((event) => event.type === "tool_start").map((event) => event.toolCallId)).toEqual([
      "9",
      "19",
      "29",
      "39",
      "49",
    ]);
    expect(batchesIn(sent).at(-1)!.length).toBeLessThan(20);
  });

  it("keep their order when text and other events alternate", async () => {
    const { worker, sent } = deafHost();
    worker.emit({ type: "text", text: "a" });
    worker.emit({ type: "thinking", text: "b" });
    worker.emit({ type: "text", text: "c" });
    worker.emit({ type: "text", text: "d" });
    worker.emit(toolStart(1));
    worker.emit({ type: "text", text: "e" });
    worker.finish(RESULT);
    await quiet(20);
    expect(eventsIn(sent)).toEqual([
      { type: "text", text: "a" },
      { type: "thinking", text: "b" },
      { type: "text", text: "cd" },
      toolStart(1),
      { type: "text", text: "e" },
    ]);
  });

  it("leave the engine's own objects as they were when text is merged", () => {
    const { worker } = deafHost();
    const first: EngineEvent = { type: "text", text: "a" };
    worker.emit(first);
    worker.emit({ type: "text", text: "b" });
    expect(first).toEqual({ type: "text", text: "a" });
  });

  it("carry no text for a run that nobody watches", async () => {
    const { worker, sent } = deafHost();
    worker.watched = false;
    worker.emit({ type: "text", text: "unseen" });
    worker.emit({ type: "thinking", text: "unseen" });
    worker.emit(toolStart(1));
    worker.finish(RESULT);
    await quiet(20);
    expect(eventsIn(sent)).toEqual([toolStart(1)]);
  });

  it("all go before the result, though the host owes every credit", async () => {
    const { worker, sent } = deafHost();
    for (let n = 0; n < 10; n++) {
      worker.emit(toolStart(n));
      await turn();
    }
    worker.log({ level: "info", msg: "last words", time: 1 });
    worker.finish(RESULT);
    await quiet(20);
    expect(eventsIn(sent)).toHaveLength(10);
    expect(sent.map((message) => message.type).slice(-2)).toEqual(["events", "finished"]);
    expect(sent.filter((message) => message.type === "log")).toHaveLength(1);
  });

  it("go before a request that comes after them", async () => {
    const { worker, sent } = deafHost();
    worker.emit(toolStart(1));
    void worker.request("refresh_model", { model: "a/b" }).catch(() => undefined);
    await quiet(20);
    expect(sent.map((message) => message.type)).toEqual(["events", "request"]);
  });
});

describe("a worker's end that is over", () => {
  it("rejects what it still asked with worker_lost", async () => {
    const { worker } = deafHost();
    const asked = worker.request("refresh_model", { model: "a/b" });
    worker.finish(RESULT);
    await expect(asked).rejects.toMatchObject({ code: "worker_lost" });
  });

  it("takes late events and logs without a sound", async () => {
    const { worker, sent } = deafHost();
    worker.finish(RESULT);
    worker.emit({ type: "text", text: "late" });
    worker.emit(toolStart(1));
    worker.log({ level: "error", msg: "late", time: 1 });
    await quiet();
    expect(sent.map((message) => message.type)).toEqual(["finished"]);
  });
});

function toolStart(n: number): EngineEvent {
  return { type: "tool_start", toolCallId: String(n), tool: "read", detail: "" };
}

function batchesIn(sent: readonly { type: string }[]): EngineEvent[][] {
  return sent.flatMap((message) =>
    message.type === "events" ? [(message as { events?: EngineEvent[] }).events!] : [],
  );
}

function eventsIn(sent: readonly { type: string }[]): EngineEvent[] {
  return batchesIn(sent).flat();
}

function textOf(events: EngineEvent[]): string {
  return events.map((event) => (event.type === "text" ? event.text : "")).join("");
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
