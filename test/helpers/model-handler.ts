/** The request handler of a scripted model server, apart from the listening, so that a benchmark can host it too. */

import type { IncomingMessage, ServerResponse } from "node:http";
import { setImmediate as nextLoopTurn, setTimeout as sleep } from "node:timers/promises";

import { anthropicError, anthropicFrames } from "./anthropic-wire.ts";
import type { ModelApi, RecordedRequest, Reply, Script, StatusReply, StreamReply } from "./model-replies.ts";
import { openaiError, openaiFrames } from "./openai-wire.ts";
import { readRequest } from "./recorded-request.ts";

export type ModelHandlerOptions = {
  api: ModelApi;
  script: Script;
  /** Called as soon as a request is read, before the script. */
  onRequest?: (request: RecordedRequest) => void;
};

/** Answers POSTs to the API's path by script, everything else with a 404. Never rejects. */
export function createModelHandler(options: ModelHandlerOptions) {
  let next = 0;
  return async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = incoming.url?.split("?")[0];
    if (incoming.method !== "POST" || path !== PATHS[options.api]) {
      response.writeHead(404).end(`no such route: ${incoming.method} ${incoming.url}`);
      return;
    }
    try {
      const request = await readRequest(incoming, next++);
      options.onRequest?.(request);
      response.on("finish", () => (request.finishedAt = performance.timeOrigin + performance.now()));
      response.on("close", () => (request.abandoned = request.finishedAt === undefined));
      await answer(await options.script(request), request, response, options.api);
    } catch (error) {
      // The client hung up, or the script threw: the client must see the failure, the test process must not die of it.
      if (response.headersSent) response.destroy();
      else response.writeHead(500).end(`scripted model server: ${String(error)}`);
    }
  };
}

async function answer(reply: Reply, request: RecordedRequest, response: ServerResponse, api: ModelApi): Promise<void> {
  if (typeof reply === "string") return stream({ text: reply }, request, response, api);
  if ("silent" in reply) return;
  if ("status" in reply) return status(reply, response, api);
  if (!("raw" in reply)) return stream(reply, request, response, api);
  response.writeHead(200, { "content-type": reply.contentType ?? "text/event-stream" }).end(reply.raw);
}

function status(reply: StatusReply, response: ServerResponse, api: ModelApi): void {
  const toBody = api === "openai-completions" ? openaiError : anthropicError;
  const body = reply.body ?? toBody(reply.status, reply.message ?? `scripted status ${reply.status}`);
  response.writeHead(reply.status, { "content-type": "application/json", ...reply.headers });
  response.end(typeof body === "string" ? body : JSON.stringify(body));
}

async function stream(reply: StreamReply, request: RecordedRequest, response: ServerResponse, api: ModelApi) {
  if (reply.firstByteDelayMs) await sleep(reply.firstByteDelayMs);
  response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-cache" });
  response.flushHeaders();
  response.socket?.setNoDelay(true);
  const frames = api === "openai-completions" ? openaiFrames(reply, request) : anthropicFrames(reply, request);
  let sent = 0;
  for (const frame of frames) {
    if (sent === reply.dropAfterChunks) {
      // Destroyed at once, the chunks still in the buffer would never arrive.
      await nextLoopTurn();
      request.finishedAt = performance.timeOrigin + performance.now();
      response.destroy();
      return;
    }
    if (sent === reply.hangAfterChunks) return;
    if (reply.delayMs) await sleep(reply.delayMs);
    else if (sent % CHUNKS_A_TURN === 0) await nextLoopTurn();
    if (response.destroyed) return;
    if (!response.write(frame)) await drained(response);
    sent += 1;
  }
  response.end();
}

async function drained(response: ServerResponse): Promise<void> {
  await new Promise<void>((resolve) => {
    response.once("drain", resolve);
    response.once("close", resolve);
  });
}

const PATHS: Record<ModelApi, string> = {
  "openai-completions": "/v1/chat/completions",
  "anthropic-messages": "/v1/messages",
};

/** Without a delay, other requests still get their turn this often. */
const CHUNKS_A_TURN = 16;
