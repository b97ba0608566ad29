/** A scripted model server for tests: real HTTP with SSE on a random port of 127.0.0.1. */

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

import type { ResolvedModel } from "../../src/types.ts";
import { createModelHandler } from "./model-handler.ts";
import type { ModelApi, RecordedRequest, Script } from "./model-replies.ts";

export type * from "./model-replies.ts";

export type ModelServer = {
  /** `http://127.0.0.1:<port>` */
  url: string;
  /** What the API's client expects as base address: OpenAI with `/v1`, Anthropic without. */
  baseUrl: string;
  /** A model that lives on this server, ready for a run. */
  model: ResolvedModel;
  /** Oldest first; grows as requests come in. */
  requests: RecordedRequest[];
  /** Stops listening and destroys every open connection. */
  close(): Promise<void>;
};

/** Starts listening; the caller closes it. A reply is asked of `script` for every request. */
export async function startModelServer(options: { api: ModelApi; script: Script }): Promise<ModelServer> {
  const requests: RecordedRequest[] = [];
  const handler = createModelHandler({ ...options, onRequest: (request) => requests.push(request) });
  const server = createServer((incoming, response) => void handler(incoming, response));
  // A client that reuses a connection must not meet the server closing it.
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const baseUrl = options.api === "openai-completions" ? `${url}/v1` : url;
  return {
    url,
    baseUrl,
    model: scriptedModel(options.api, baseUrl),
    requests,
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

function scriptedModel(api: ModelApi, baseUrl: string): ResolvedModel {
  return {
    provider: "scripted",
    id: "scripted-1",
    api,
    baseUrl,
    apiKey: "key-of-a-scripted-model",
    contextWindow: 200_000,
    maxTokens: 8_192,
    input: ["text"],
    reasoning: false,
  };
}
