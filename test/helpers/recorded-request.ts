/** Reads one HTTP request of a model client into what scripts and assertions look at. */

import type { IncomingMessage } from "node:http";

import type { RecordedRequest } from "./model-replies.ts";

/** Resolves when the whole body is there. A body that isn't a JSON object counts as `{}`. */
export async function readRequest(incoming: IncomingMessage, index: number): Promise<RecordedRequest> {
  const arrivedAt = performance.timeOrigin + performance.now();
  const parts: Buffer[] = [];
  for await (const part of incoming) parts.push(part as Buffer);
  const body = parseObject(Buffer.concat(parts).toString("utf8"));
  const messages = Array.isArray(body.messages) ? body.messages.filter(isObject) : [];
  return {
    index,
    path: incoming.url ?? "",
    headers: Object.fromEntries(Object.entries(incoming.headers).map(([name, value]) => [name, String(value)])),
    body,
    messages,
    lastUserText: messages.map(userText).findLast((text) => text !== "") ?? "",
    afterToolResult: isToolResult(messages.at(-1)),
    arrivedAt,
    abandoned: false,
  };
}

function parseObject(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : {};
  } catch {
    return {};
  }
}

function userText(message: Record<string, unknown>): string {
  if (message.role !== "user") return "";
  if (typeof message.content === "string") return message.content;
  return blocks(message)
    .map((block) => (block.type === "text" && typeof block.text === "string" ? block.text : ""))
    .filter((text) => text !== "")
    .join("\n");
}

function isToolResult(message: Record<string, unknown> | undefined): boolean {
  if (!message) return false;
  return message.role === "tool" || blocks(message).some((block) => block.type === "tool_result");
}

function blocks(message: Record<string, unknown>): Record<string, unknown>[] {
  return Array.isArray(message.content) ? message.content.filter(isObject) : [];
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
