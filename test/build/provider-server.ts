/** A local server that speaks each provider's wire format just enough: one tool call, then, once the tool said or was refused something, a text. */

import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";

export type ProviderServer = {
  url: string;
  /** Path and headers of every request, oldest first. */
  requests: { path: string; headers: IncomingHttpHeaders }[];
  close(): Promise<void>;
};

/** The tool call's arguments, in the pieces they are streamed in. */
export const ARGUMENT_PIECES = ['{"text":"', "one ", 'two"', "}"];
export const ANSWER = "it is done";

export async function startProviderServer(): Promise<ProviderServer> {
  const requests: ProviderServer["requests"] = [];
  const server = createServer((request, response) => {
    const path = request.url ?? "";
    requests.push({ path, headers: request.headers });
    const body: Buffer[] = [];
    request.on("data", (piece: Buffer) => body.push(piece));
    request.on("end", () => {
      const answered = /tool said|Validation failed/.test(Buffer.concat(body).toString());
      response.writeHead(200, { "content-type": "text/event-stream" });
      for (const event of eventsFor(path, answered)) response.write(event);
      response.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    close: () => new Promise((resolve) => void server.close(() => resolve()).closeAllConnections()),
  };
}

function eventsFor(path: string, answered: boolean): string[] {
  if (path.includes("/messages")) return anthropic(answered);
  if (path.includes("/responses")) return responses(answered);
  if (path.includes("GenerateContent")) return google(answered);
  return completions(answered);
}

/** Mistral's as well. */
function completions(answered: boolean): string[] {
  const chunk = (delta: object, finish_reason: string | null = null): string =>
    data({
      id: "c",
      object: "chat.completion.chunk",
      created: 1,
      model: "m",
      choices: [{ index: 0, delta, finish_reason }],
    });
  if (answered) return [chunk({ role: "assistant", content: ANSWER }), chunk({}, "stop"), "data: [DONE]\n\n"];
  const call = (piece: string, first: boolean): object => ({
    index: 0,
    ...(first ? { id: "call00001", type: "function" } : {}),
    function: { ...(first ? { name: "note" } : {}), arguments: piece },
  });
  return [
    ...ARGUMENT_PIECES.map((piece, at) => chunk({ tool_calls: [call(piece, at === 0)] })),
    chunk({}, "tool_calls"),
    "data: [DONE]\n\n",
  ];
}

function anthropic(answered: boolean): string[] {
  const event = (type: string, rest: object = {}): string => `event: ${type}\n${data({ type, ...rest })}`;
  const deltas = answered
    ? [{ type: "text_delta", text: ANSWER }]
    : ARGUMENT_PIECES.map((partial_json) => ({ type: "input_json_delta", partial_json }));
  return [
    event("message_start", {
      message: { id: "m", role: "assistant", model: "m", content: [], usage: { input_tokens: 1 } },
    }),
    event("content_block_start", {
      index: 0,
      content_block: answered ? { type: "text", text: "" } : { type: "tool_use", id: "t", name: "note", input: {} },
    }),
    ...deltas.map((delta) => event("content_block_delta", { index: 0, delta })),
    event("content_block_stop", { index: 0 }),
    event("message_delta", { delta: { stop_reason: answered ? "end_turn" : "tool_use" }, usage: { output_tokens: 1 } }),
    event("message_stop"),
  ];
}

function responses(answered: boolean): string[] {
  const event = (type: string, rest: object): string => `event: ${type}\n${data({ type, output_index: 0, ...rest })}`;
  const args = ARGUMENT_PIECES.join("");
  const call = { type: "function_call", id: "f", call_id: "c", name: "note" };
  const message = { type: "message", id: "i", role: "assistant" };
  return [
    ...(answered
      ? [
          event("response.output_item.added", { item: { ...message, content: [] } }),
          event("response.output_text.delta", { item_id: "i", delta: ANSWER }),
          event("response.output_item.done", {
            item: { ...message, content: [{ type: "output_text", text: ANSWER }] },
          }),
        ]
      : [
          event("response.output_item.added", { item: { ...call, arguments: "" } }),
          ...ARGUMENT_PIECES.map((delta) => event("response.function_call_arguments.delta", { item_id: "f", delta })),
          event("response.output_item.done", { item: { ...call, arguments: args } }),
        ]),
    event("response.completed", {
      response: { id: "r", status: "completed", usage: { input_tokens: 1, output_tokens: 1, total_tokens: 2 } },
    }),
  ];
}

/** A call's arguments come whole here. */
function google(answered: boolean): string[] {
  const args = JSON.parse(ARGUMENT_PIECES.join("")) as object;
  const part = answered ? { text: ANSWER } : { functionCall: { name: "note", args } };
  return [data({ candidates: [{ content: { role: "model", parts: [part] }, finishReason: "STOP" }] })];
}

function data(value: object): string {
  return `data: ${JSON.stringify(value)}\n\n`;
}
