/**
 * A scripted model server in a process of its own, so that its work isn't measured as ours.
 *
 *   const server = fork("benchmarks/model-server.ts", [JSON.stringify(behaviour)])   // sends { port }
 *
 * `GET /times` answers with `{ [id]: { arrived: number[], lastByte: number[] } }`: for each marker `#id=<id>` in a last
 * user message the times of its requests, in milliseconds since the epoch with fractions. `DELETE /times` forgets them.
 */

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

import { createModelHandler } from "../test/helpers/model-handler.ts";
import type { ModelApi, RecordedRequest, StreamReply } from "../test/helpers/model-replies.ts";

export type ModelServerBehaviour = {
  /** @default "openai-completions" */
  api?: ModelApi;
  /** Bytes of text in one SSE chunk. @default 64 */
  chunkBytes?: number;
  /** Bytes of the final answer. @default 200 */
  answerBytes?: number;
  /** Milliseconds before each chunk. @default 0 */
  delayMs?: number;
  /** Milliseconds before the first byte. @default 0 */
  firstByteDelayMs?: number;
  /** Answer a first request with one call whose arguments have this size, and the request after its result with text. */
  toolCall?: { name: string; argument: string; bytes: number };
};

export type RequestTimes = Record<string, { arrived: number[]; lastByte: number[] }>;

const behaviour = JSON.parse(process.argv[2] ?? "{}") as ModelServerBehaviour;
const seen: RecordedRequest[] = [];

const answerModel = createModelHandler({
  api: behaviour.api ?? "openai-completions",
  script: (request) => replyTo(request),
  onRequest: (request) => seen.push(request),
});

const server = createServer((incoming, response) => {
  if (incoming.url !== "/times") return void answerModel(incoming, response);
  if (incoming.method === "DELETE") seen.length = 0;
  response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(timesOf(seen)));
});

// A client that reuses a connection must not meet the server closing it.
server.keepAliveTimeout = 60_000;
// Room for 1,000 children that connect at once.
server.listen({ port: 0, host: "127.0.0.1", backlog: 4_096 }, () => {
  const { port } = server.address() as AddressInfo;
  if (process.send) process.send({ port });
  else console.log(JSON.stringify({ port }));
});
process.on("disconnect", () => process.exit(0));

function replyTo(request: RecordedRequest): StreamReply {
  // Rounds of 1,000 children would otherwise keep every body.
  const { afterToolResult } = request;
  request.body = { model: request.body.model, stream_options: request.body.stream_options };
  request.messages = [];
  const { toolCall, answerBytes = 200, chunkBytes = 64, delayMs, firstByteDelayMs } = behaviour;
  const pace = { chunkChars: chunkBytes, delayMs, firstByteDelayMs };
  if (!toolCall || afterToolResult)
    return { ...pace, text: FILLER.repeat(Math.ceil(answerBytes / FILLER.length)).slice(0, answerBytes) };
  return { ...pace, toolCalls: [{ name: toolCall.name, args: { [toolCall.argument]: "x".repeat(toolCall.bytes) } }] };
}

function timesOf(requests: RecordedRequest[]): RequestTimes {
  const times: RequestTimes = {};
  for (const request of requests) {
    const id = /#id=([\w.-]+)/.exec(request.lastUserText)?.[1];
    if (id === undefined) continue;
    const entry = (times[id] ??= { arrived: [], lastByte: [] });
    entry.arrived.push(request.arrivedAt);
    if (request.finishedAt !== undefined) entry.lastByte.push(request.finishedAt);
  }
  return times;
}

const FILLER = "The quick brown fox jumps over the lazy dog. ";
