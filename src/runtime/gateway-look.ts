/** Looking at children that work in a gateway: what they have said, and what they have used so far. */

import { InprocessError } from "../errors.ts";
import { messageLine, type StoredMessage } from "../sessions/transcript-format.ts";
import { viewHistory } from "../sessions/history-view.ts";
import type { History, HistoryOptions, ListOptions, Requester, RunView } from "../types.ts";
import { noUsage } from "../usage.ts";
import { messagesOf, sessionsOf } from "./gateway-calls.ts";
import type { GatewayMessage } from "./gateway-frames.ts";
import { gatewayOf, type GatewayParts } from "./gateway-run.ts";
import { historyWindow } from "./history.ts";
import { listed } from "./targets.ts";
import { viewOf } from "./views.ts";

/** @throws InprocessError `not_found`, `not_yours`, `params_invalid`, and those of the connection */
export async function gatewayHistory(
  parts: GatewayParts,
  sessionKey: string,
  requester: Requester,
  options: HistoryOptions,
): Promise<History> {
  const { row, window } = historyWindow(parts, sessionKey, requester, options);
  const keeper = gatewayOf(row);
  if (keeper !== undefined && keeper !== parts.gateway) {
    const { childSessionKey } = row;
    const message = `${childSessionKey} is kept by the gateway at ${keeper}, and this process asks the one at ${parts.gateway}; look at it through ${keeper}.`;
    throw new InprocessError("not_found", message);
  }
  const asked = Math.min(MESSAGES, (window.offset + window.limit + 1) * (window.includeTools ? 1 : TOOL_MESSAGES));
  const messages = await messagesOf(parts.link, row.childSessionKey, asked);
  const transcript = messages.flatMap(stored).map((message) => messageLine(message, null).line);
  return {
    sessionKey: row.childSessionKey,
    ...viewHistory(transcript.join(""), { ...window, secrets: parts.secrets() }),
  };
}

/** From the registry; for runs at work with what the gateway tells of them, when it answers. */
export async function gatewayList(parts: GatewayParts, requester: Requester, options: ListOptions): Promise<RunView[]> {
  const views = listed(parts, requester.sessionKey, options).map((row) => viewOf(row, parts.live));
  const working = new Set(views.filter(({ state }) => state !== "settled").map((view) => view.childSessionKey));
  // A list isn't worth a connection.
  if (working.size === 0 || !parts.link.isOpen) return views;
  const sessions = await sessionsOf(parts.link, requester.sessionKey).catch(() => []);
  const told = new Map(sessions.map((session) => [session.key, session]));
  return views.map((view) => {
    const session = told.get(view.childSessionKey);
    if (session === undefined || !working.has(view.childSessionKey)) return view;
    const { modelProvider, model, inputTokens: input, outputTokens: output, totalTokens, estimatedCostUsd } = session;
    return {
      ...view,
      usage: { ...noUsage(), input, output, totalTokens, costUsd: estimatedCostUsd },
      ...(modelProvider === undefined || model === undefined ? {} : { model: `${modelProvider}/${model}` }),
    };
  });
}

function stored(message: GatewayMessage): StoredMessage[] {
  const { role, content, timestamp } = message;
  if (role !== "user" && role !== "assistant" && role !== "toolResult") return [];
  const at = typeof timestamp === "number" && Number.isFinite(timestamp) ? timestamp : 0;
  const { toolName, toolCallId, isError } = message;
  return [{ role, content, timestamp: at, toolName, toolCallId, isError }];
}

/** As many as `chat.history` gives at once. */
const MESSAGES = 1000;
/** A child with tools has that many messages for each that is shown without them, more or less. */
const TOOL_MESSAGES = 10;
