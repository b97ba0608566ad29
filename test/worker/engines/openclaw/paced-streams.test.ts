import { createServer, type Server, type ServerResponse } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { paceStreams } from "../../../../src/worker/engines/openclaw/paced-streams.ts";

let server: Server;
let url: string;
const plain = globalThis.fetch;
const TYPES: Record<string, string> = {
  "/events": "text/event-stream; charset=utf-8",
  "/other-spelling": "Text/Event-Stream",
};
const ANSWER = "data: é and so on\n\n".repeat(8000);

beforeAll(async () => {
  server = createServer((request, response) => {
    if (request.url === "/endless") {
      response.writeHead(200, { "content-type": "text/event-stream" }).write("data: first\n\n");
      return void server.emit("endless", response);
    }
    const type = TYPES[request.url!] ?? "application/json";
    response.writeHead(200, { "content-type": type }).end(ANSWER);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  paceStreams();
});

afterAll(() => {
  globalThis.fetch = plain;
  server.close();
});

test.for(Object.keys(TYPES))(
  "an event stream arrives whole, and the loop turns between its pieces: %s",
  async (path) => {
    const response = await fetch(url + path);
    const turns = countTurns();
    const pieces: Uint8Array[] = [];
    for await (const piece of response.body! as ReadableStream<Uint8Array>) pieces.push(piece);
    const whole = Buffer.concat(pieces);
    expect(whole.toString("utf8")).toBe(ANSWER);
    expect(Math.max(...pieces.map(({ length }) => length))).toBeLessThanOrEqual(1024);
    expect(turns.stop()).toBeGreaterThanOrEqual(whole.length / 1024 / 2);
    expect(response.url).toBe(url + path);
  },
);

test.for([
  ["before the first read", async (body: ReadableStream): Promise<void> => void (await body.cancel())],
  [
    "after a piece",
    async (body: ReadableStream): Promise<void> => {
      for await (const _piece of body) break;
    },
  ],
  [
    "while a read is pending",
    async (body: ReadableStream): Promise<void> => {
      const reader = body.getReader();
      await reader.read();
      const pending = reader.read();
      await reader.cancel();
      expect(await pending).toMatchObject({ done: true });
    },
  ],
] as const)("a stream that is given up %s ends at the server too", async ([, giveUp]) => {
  const { promise: gone, resolve } = Promise.withResolvers<void>();
  server.once("endless", (response: ServerResponse) => void response.once("close", () => resolve()));
  const response = await fetch(`${url}/endless`);
  await giveUp(response.body!);
  await gone;
});

// Each is asked of the platform's own first.
describe.for([
  ["the platform's own", () => plain],
  ["a paced one", () => globalThis.fetch],
] as const)("fetch, %s", ([, which]) => {
  const events = () => which()(`${url}/events`);
  const text = async (body: ReadableStream | null): Promise<string> => {
    const pieces: Uint8Array[] = [];
    for await (const piece of body as ReadableStream<Uint8Array>) pieces.push(piece);
    return Buffer.concat(pieces).toString("utf8");
  };

  test("gives all of an answer on both halves that are made after its body was asked for", async () => {
    const response = await events();
    expect(response.body).not.toBeNull();
    const clone = response.clone();
    expect(clone.url).toBe(response.url);
    expect(await Promise.all([text(response.body), text(clone.body)])).toEqual([ANSWER, ANSWER]);
  });

  test("fills a reader's own buffers to the end", async () => {
    const reader = (await events()).body!.getReader({ mode: "byob" });
    const read: Buffer[] = [];
    for (;;) {
      const { done, value } = await reader.read(new Uint8Array(700));
      if (done) break;
      read.push(Buffer.from(value));
    }
    expect(Buffer.concat(read).toString("utf8")).toBe(ANSWER);
  });

  test("refuses what is locked, and what was read", async () => {
    const response = await events();
    const reader = response.body!.getReader();
    await expect(response.text()).rejects.toThrow(TypeError);
    expect(() => response.clone()).toThrow(TypeError);
    expect(response.bodyUsed).toBe(false);
    await reader.read();
    reader.releaseLock();
    expect(response.bodyUsed).toBe(true);
    await expect(response.text()).rejects.toThrow(TypeError);
    expect(() => response.clone()).toThrow(TypeError);
  });

  test("says what it is, and its headers can't be changed", async () => {
    const response = await events();
    expect(response).toBeInstanceOf(Response);
    expect(response.body).toBe(response.body);
    expect(response).toMatchObject({ status: 200, ok: true, redirected: false, url: `${url}/events` });
    expect(response.type).toBe((await plain(`${url}/events`)).type);
    expect(() => response.headers.set("x-of-mine", "1")).toThrow(TypeError);
    expect(await new Response(response.body, response).text()).toBe(ANSWER);
  });

  test("fails a read when it is aborted", async () => {
    const controller = new AbortController();
    const { body } = await which()(`${url}/endless`, { signal: controller.signal });
    const reader = body!.getReader();
    await reader.read();
    controller.abort();
    await expect(reader.read()).rejects.toMatchObject({ name: "AbortError" });
  });
});

test("a response can still be cloned, or read as a whole", async () => {
  const response = await fetch(`${url}/events`);
  const copy = response.clone();
  expect(response.body).not.toBeNull();
  expect(await copy.text()).toBe(ANSWER);
  expect(await response.text()).toBe(ANSWER);
});

test("any other answer stays as it is", async () => {
  const response = await fetch(`${url}/other`);
  expect(await response.text()).toBe(ANSWER);
});

function countTurns(): { stop(): number } {
  let count = 0;
  let immediate = setImmediate(function next() {
    count += 1;
    immediate = setImmediate(next);
  });
  return { stop: () => (clearImmediate(immediate), count) };
}
