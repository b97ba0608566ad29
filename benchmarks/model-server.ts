/**
 * A scripted model server in a process of its own, so that its work isn't measured as ours.
 *
 *   const server = fork("benchmarks/model-server.ts", [JSON.stringify(behaviour)])   // sends { port }
 *
 * `GET /times` answers with `RequestTimes`: for each marker `#id=<id>` in a last user message the times of its requests,
 * in milliseconds since the epoch with fractions. `DELETE /times` forgets them. A marker `#id=<id>-late<ms>` has its first
 * bytes that much later.
 * It has answered a few requests of its own before it tells its port, so that the first one measured finds it compiled.
 */

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
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
  /**
   * Answer with one call, and the request after its result with text. The call's arguments are `args`, and one of this
   * name and size.
   */
  toolCall?: {
    name: string;
    args?: Record<string, unknown>;
    argument?: string;
    bytes?: number;
    /** So many calls before the text, one an answer. @default 1 */
    times?: number;
  };
};

/** `gone`: when the client hung up before the answer was complete. */
export type RequestTimes = Record<string, { arrived: number[]; lastByte: number[]; gone: number[] }>;

const behaviour = JSON.parse(process.argv[2] ?? "{}") as ModelServerBehaviour;
const seen: RecordedRequest[] = [];
const goneAt = new WeakMap<RecordedRequest, number>();

const server = createServer((incoming, response) => {
  if (incoming.url !== "/times") return void answerModel(incoming, response);
  if (incoming.method === "DELETE") seen.length = 0;
  response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(timesOf(seen)));
});

// A client that reuses a connection must not meet the server closing it.
server.keepAliveTimeout = 60_000;
// Room for 1,000 children that connect at once.
server.listen({ port: 0, host: "127.0.0.1", backlog: 4_096 }, () => void start());
process.on("disconnect", () => process.exit(0));

async function start(): Promise<void> {
  const { port } = server.address() as AddressInfo;
  for (let n = 0; n < WARM_UPS; n += 1) await askMyself(port);
  seen.length = 0;
  if (process.send) process.send({ port });
  else console.log(JSON.stringify({ port }));
}

async function askMyself(port: number): Promise<void> {
  const path = behaviour.api === "anthropic-messages" ? "messages" : "chat/completions";
  const request = {
    model: WARM_UP_MODEL,
    stream_options: { include_usage: true },
    messages: [{ role: "user", content: "." }],
  };
  const response = await fetch(`http://127.0.0.1:${port}/v1/${path}`, {
    method: "POST",
    body: JSON.stringify(request),
  });
  // The beginning is enough: whole answers may be slow or large.
  await response.body?.cancel();
}

/** A handler for each request, which is how the request and its response are known together. */
async function answerModel(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
  const answer = createModelHandler({
    api: behaviour.api ?? "openai-completions",
    script: (request) => replyTo(request),
    onRequest: (request) => {
      seen.push(request);
      response.on("close", () => {
        if (request.finishedAt === undefined) goneAt.set(request, performance.timeOrigin + performance.now());
      });
    },
  });
  await answer(incoming, response);
}

function replyTo(request: RecordedRequest): StreamReply {
  // Rounds of 1,000 children would otherwise keep every body.
  const calls = request.messages.filter(({ role }) => role === "tool").length || Number(request.afterToolResult);
  request.body = { model: request.body.model, stream_options: request.body.stream_options };
  request.messages = [];
  const { toolCall, answerBytes = 200, chunkBytes = 64, delayMs, firstByteDelayMs } = behaviour;
  const late = Number(/#id=[\w.-]*-late(\d+)/.exec(request.lastUserText)?.[1] ?? firstByteDelayMs ?? 0);
  const isOwn = request.body.model === WARM_UP_MODEL;
  const pace = { chunkChars: chunkBytes, delayMs, ...(isOwn ? {} : { firstByteDelayMs: late }) };
  if (toolCall === undefined || calls >= (toolCall.times ?? 1))
    return { ...pace, text: FILLER.repeat(Math.ceil(answerBytes / FILLER.length)).slice(0, answerBytes) };
  const { name, args = {}, argument, bytes = 0 } = toolCall;
  const filled = argument === undefined ? {} : { [argument]: "x".repeat(bytes) };
  return { ...pace, toolCalls: [{ name, args: { ...args, ...filled } }] };
}

function timesOf(requests: RecordedRequest[]): RequestTimes {
  const times: RequestTimes = {};
  for (const request of requests) {
    const id = /#id=([\w.-]+)/.exec(request.lastUserText)?.[1];
    if (id === undefined) continue;
    const entry = (times[id] ??= { arrived: [], lastByte: [], gone: [] });
    entry.arrived.push(request.arrivedAt);
    if (request.finishedAt !== undefined) entry.lastByte.push(request.finishedAt);
    const gone = goneAt.get(request);
    if (gone !== undefined) entry.gone.push(gone);
  }
  return times;
}

const WARM_UPS = 5;
const WARM_UP_MODEL = "warm-up";
const FILLER = "The quick brown fox jumps over the lazy dog. ";
