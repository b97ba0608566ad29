import { createServer, type Server, type ServerResponse } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { paceStreams } from "../../../../src/worker/engines/openclaw/paced-streams.ts";

let server: Server;
let url: string;
const plain = globalThis.fetch;
const ANSWER = "data: é and so on\n\n".repeat(8000);

beforeAll(async () => {
  server = createServer((request, response) => {
    if (request.url === "/endless") {
      response.writeHead(200, { "content-type": "text/event-stream" }).write("data: first\n\n");
      return void server.emit("endless", response);
    }
    const type = request.url === "/events" ? "text/event-stream; charset=utf-8" : "application/json";
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

test("an event stream arrives whole, and the loop turns between its pieces", async () => {
  const response = await fetch(`${url}/events`);
  const turns = countTurns();
  const pieces: Uint8Array[] = [];
  for await (const piece of response.body! as ReadableStream<Uint8Array>) pieces.push(piece);
  const whole = Buffer.concat(pieces);
  expect(whole.toString("utf8")).toBe(ANSWER);
  expect(Math.max(...pieces.map(({ length }) => length))).toBeLessThanOrEqual(1024);
  expect(turns.stop()).toBeGreaterThanOrEqual(whole.length / 1024 / 2);
  expect(response.url).toBe(`${url}/events`);
});

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
