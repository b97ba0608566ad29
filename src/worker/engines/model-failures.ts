/** What a failed model call says: with its address, without its secrets, and whether another model may be tried. */

import type { AssistantMessage } from "@earendil-works/pi-ai";
import { redactText } from "../../redact.ts";
import type { ResolvedModel } from "../../types.ts";

export function silent(message: AssistantMessage, seconds: number): AssistantMessage {
  const errorMessage = `no answer for ${seconds} s; raise models.providers.${message.provider}.timeoutSeconds if it needs longer`;
  return { ...message, stopReason: "error", rawStopReason: "idle_timeout", errorMessage };
}

/** Servers repeat the key they refuse; from here on the text goes into transcripts and to people. */
export function withoutSecrets(
  message: AssistantMessage,
  { apiKey = "", headers = {} }: ResolvedModel,
): AssistantMessage {
  if (message.errorMessage === undefined) return message;
  return { ...message, errorMessage: redactText(message.errorMessage, [apiKey, ...Object.values(headers)]) };
}

/** The libraries' words for a connection say neither where to nor what to do. */
export function explained(message: AssistantMessage, { baseUrl }: ResolvedModel): AssistantMessage {
  const said = message.errorMessage ?? "";
  if (/^(connection error|fetch failed)\.?$/i.test(said)) {
    const errorMessage = `no connection to ${baseUrl} could be made; see that the server runs and the address is right`;
    return { ...message, errorMessage };
  }
  if (/^(terminated|other side closed|premature close|socket hang up)\.?$/i.test(said)) {
    return { ...message, errorMessage: `the connection to ${baseUrl} broke in the midst of the answer (${said})` };
  }
  return message;
}

export function errorEvent(model: ResolvedModel, errorMessage: string) {
  const error: AssistantMessage = {
    role: "assistant",
    content: [],
    api: model.api,
    provider: model.provider,
    model: model.id,
    usage: {
      input: 0,
      output: 0,
      cacheRead: 0,
      cacheWrite: 0,
      totalTokens: 0,
      cost: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0, total: 0 },
    },
    stopReason: "error",
    errorMessage,
    timestamp: Date.now(),
  };
  return { type: "error" as const, reason: "error" as const, error };
}

/** Provider errors carry their HTTP status as a number at or near the front of their text. */
export function statusIn(reason: string): number | undefined {
  const found = /\b([45]\d\d)\b/.exec(reason.slice(0, 200));
  return found ? Number(found[1]) : undefined;
}

/** Anything but a request the next model would refuse as well. */
export function isRetryable(failure: AssistantMessage, status: number | undefined): boolean {
  if (failure.rawStopReason === "idle_timeout") return true;
  return (
    status === undefined ||
    status === 401 ||
    status === 403 ||
    status === 404 ||
    status === 408 ||
    status === 409 ||
    status === 429 ||
    status >= 500
  );
}
