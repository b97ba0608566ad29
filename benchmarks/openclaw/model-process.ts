/**
 * A scripted model for a whole gateway, in a process of its own: main agent and children alike.
 *
 *   main turn "#spawn=<round> n=<children> bytes=<answer>"   calls sessions_spawn n times in one answer, then ends;
 *                                                            with "quiet=1" the children's results aren't wanted
 *   main turn "#floor=<round> n=<calls>"                     calls a tool that does nothing, then ends
 *   child "#child=<id> bytes=<answer>"                       streams so many bytes in pieces of 64; with "pace=<ms>" so
 *                                                            long after one another (of the spawning turn, too)
 *   a turn that hands over results                           says a word; 2026.9.6 takes silence for a failure
 *
 * `GET /seen` answers with what was asked when, as `Seen[]`; times are milliseconds since the epoch with fractions.
 * Its argument is a JSON `{ wrapped, spawn }`: tools are called through `tool_call`, as 2026.9.6 has it; the name of the
 * tool that spawns.
 */

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createModelHandler } from "../../test/helpers/model-handler.ts";
import type { RecordedRequest, Reply, ScriptedToolCall } from "../../test/helpers/model-replies.ts";
import { answersTool, isCompletion, turnText } from "../../test/openclaw/helpers/conversation.ts";

export type Seen = {
  kind: "main" | "after-tool" | "child" | "handover" | "other";
  /** What stands behind `#spawn=`, `#floor=` or `#child=`; of a handover, all ids in it. */
  ids: string[];
  arrivedAt: number;
  finishedAt?: number;
};

const { wrapped, spawn } = JSON.parse(process.argv[2] ?? "{}") as { wrapped?: boolean; spawn: string };
const seen: { request: RecordedRequest; kind: Seen["kind"]; ids: string[] }[] = [];

const handler = createModelHandler({ api: "openai-completions", script: answer, onRequest: () => undefined });
const server = createServer((incoming, response) => {
  if (incoming.url !== "/seen") return void handler(incoming, response);
  const told: Seen[] = seen.map(({ request: { arrivedAt, finishedAt }, kind, ids }) => ({
    kind,
    ids,
    arrivedAt,
    ...(finishedAt === undefined ? {} : { finishedAt }),
  }));
  response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(told));
});
server.keepAliveTimeout = 60_000;
server.listen(0, "127.0.0.1", () => process.send?.({ port: (server.address() as AddressInfo).port }));
process.on("disconnect", () => process.exit(0));

function answer(request: RecordedRequest): Reply {
  const text = turnText(request);
  const kind = kindOf(request, text);
  const ids = [...text.matchAll(/#(?:spawn|floor|child)=([\w.-]+)/g)].map(([, id]) => id!);
  seen.push({ request, kind, ids: [...new Set(ids)] });
  // A conversation grows with every round, and nobody reads it again.
  request.body = {};
  request.messages = [];
  if (kind === "child") {
    const delayMs = numberIn(text, "pace") || undefined;
    const words = FILLER.repeat(numberIn(text, "bytes") / FILLER.length);
    return { text: words, chunkChars: FILLER.length, delayMs, firstByteDelayMs };
  }
  if (kind === "handover") return { text: "Noted.", firstByteDelayMs };
  if (kind !== "main") return { text: "done", firstByteDelayMs };
  return { toolCalls: callsOf(text, ids[0]!), firstByteDelayMs };
}

function kindOf(request: RecordedRequest, text: string): Seen["kind"] {
  if (isCompletion(request)) return "handover";
  if (/#(spawn|floor)=/.test(text)) return answersTool(request) ? "after-tool" : "main";
  return text.includes("#child=") ? "child" : "other";
}

function callsOf(text: string, id: string): ScriptedToolCall[] {
  // A tool that each of them offers and that has next to nothing to do. A name that isn't offered is asked for again for ever.
  const calls = Array.from({ length: numberIn(text, "n") }, (_, n) => `${id}.${n}`);
  if (text.includes("#floor="))
    return calls.map((each) =>
      wrapped === true ? called("agents_list", {}, each) : called("process", { action: "list" }, each),
    );
  const answer = /\bbytes=\d+(?: pace=\d+)?/.exec(text)![0];
  const wanted = text.includes("quiet=1") ? { expectsCompletionMessage: false } : {};
  return calls.map((each) =>
    called(spawn, { task: `#child=${each} ${answer}`, label: `#child=${each}`, ...wanted }, each),
  );
}

function called(name: string, args: Record<string, unknown>, id: string): ScriptedToolCall {
  const call = { id: `call_${id.replaceAll(/\W/g, "_")}` };
  return wrapped === true ? { ...call, name: "tool_call", args: { id: name, args } } : { ...call, name, args };
}

function numberIn(text: string, name: string): number {
  return Number(new RegExp(`\\b${name}=(\\d+)`).exec(text)?.[1]);
}

/**
 * No model is faster. One that answers within two milliseconds glues what a gateway does before its request to what it
 * does after the answer, to one stall that nobody has.
 */
const firstByteDelayMs = 100;
const FILLER = "The quick brown fox jumps over the lazy dog, again and again. 64";
