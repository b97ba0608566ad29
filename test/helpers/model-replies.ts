/** What a scripted model server can be told to answer, and what it remembers of each request. Types only. */

export type ModelApi = "openai-completions" | "anthropic-messages";

export type ScriptedToolCall = {
  name: string;
  args: Record<string, unknown>;
  /** @default `call_<request>_<n>` */
  id?: string;
};

/** An answer in the API's own SSE. A bare string is `{ text }`. */
export type StreamReply = {
  text?: string;
  /** Streamed after the text, in order, each as argument deltas. */
  toolCalls?: ScriptedToolCall[];
  /** Characters of text, or of a call's JSON arguments, in one SSE chunk. @default 64 */
  chunkChars?: number;
  /** Milliseconds before each chunk. @default 0: as fast as the socket takes them */
  delayMs?: number;
  /** Milliseconds between the request and the headers. @default 0 */
  firstByteDelayMs?: number;
  /** Tokens told in the usage. @default characters / 4 */
  usage?: { input: number; output: number };
  /** @default what the content asks for: `stop` or `tool_use` */
  stopReason?: "stop" | "tool_use" | "length";
  /** The socket is destroyed when this many chunks have been sent. 0: after the headers. */
  dropAfterChunks?: number;
  /** Nothing more is sent after this many chunks, and the connection stays open. */
  hangAfterChunks?: number;
};

/** A plain HTTP answer. Without a `body`, `message` is wrapped in the API's error shape. */
export type StatusReply = { status: number; message?: string; body?: unknown; headers?: Record<string, string> };

/** Bytes as they are, status 200: garbage SSE, or no SSE at all. */
export type RawReply = { raw: string; contentType?: string };

/** The request is read and never answered. */
export type SilentReply = { silent: true };

export type Reply = string | StreamReply | StatusReply | RawReply | SilentReply;

export type RecordedRequest = {
  /** 0 for the server's first model request. */
  index: number;
  path: string;
  headers: Record<string, string>;
  /** The parsed JSON body. */
  body: Record<string, unknown>;
  /** `body.messages`; for Anthropic without the system prompt. */
  messages: Record<string, unknown>[];
  /** Text of the last message with the role `user` that holds text, or "". */
  lastUserText: string;
  /** Whether the last message answers a tool call. */
  afterToolResult: boolean;
  /** Milliseconds since the epoch, with fractions, comparable over processes of one machine. */
  arrivedAt: number;
  /** The last byte was handed to the system. */
  finishedAt?: number;
  /** The client hung up before the answer was complete. */
  abandoned: boolean;
};

export type Script = (request: RecordedRequest) => Reply | Promise<Reply>;
