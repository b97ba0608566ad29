/** A gateway over a real WebSocket that answers what the test says: for what a real one does only now and then. */

import { performance } from "node:perf_hooks";
import { WebSocketServer, type WebSocket } from "ws";

import { closeAfterTest } from "./runtime-fixture.ts";

type Params = Record<string, unknown>;

export type Asked = {
  params: Params;
  /** How often this method was asked for, this time included. */
  count: number;
  ok(payload: unknown): void;
  refuse(code: string, message: string, details?: object): void;
  tell(event: string, payload: unknown): void;
};

export type ScriptedGateway = {
  url: string;
  token: string;
  /** Methods asked for, oldest first; `connect` where the test answers it. */
  calls: { method: string; params: Params }[];
  /** Breaks every connection, and is a new process when it is asked again. */
  restart(): void;
};

/**
 * What isn't in `answers` is answered as a gateway does that accepts every run and ends none.
 * @param options.challenges how often it challenges whoever connects
 */
export async function scriptGateway(
  answers: Record<string, (asked: Asked) => void> = {},
  { challenges = 1 }: { challenges?: number } = {},
): Promise<ScriptedGateway> {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  await new Promise((resolve) => server.once("listening", resolve));
  closeAfterTest(async () => {
    for (const client of server.clients) client.terminate();
    await new Promise((resolve) => server.close(resolve));
  });
  // As a gateway counts its age: the clock may be set.
  let startedAt = performance.now() - 60_000;
  const calls: ScriptedGateway["calls"] = [];
  const heard = (socket: WebSocket, text: string): void => {
    const { id, method, params = {} } = JSON.parse(text) as { id: string; method: string; params?: Params };
    const send = (frame: object): void => socket.send(JSON.stringify(frame));
    const ok = (payload: unknown): void => send({ type: "res", id, ok: true, payload });
    if (method === "connect" && answers["connect"] === undefined) {
      const snapshot = { uptimeMs: performance.now() - startedAt };
      return ok({ type: "hello-ok", protocol: 3, snapshot, auth: { deviceToken: DEVICE_TOKEN } });
    }
    calls.push({ method, params });
    const count = calls.filter((call) => call.method === method).length;
    const refuse = (code: string, message: string, details?: object): void =>
      send({ type: "res", id, ok: false, error: { code, message, details } });
    const tell = (event: string, payload: unknown): void => send({ type: "event", event, payload });
    const answer = answers[method] ?? DEFAULTS[method] ?? (({ ok: yes }) => yes({}));
    answer({ params, count, ok, refuse, tell });
  };
  server.on("connection", (socket) => {
    const challenge = JSON.stringify({ type: "event", event: "connect.challenge", payload: { nonce: "once" } });
    for (let left = challenges; left > 0; left--) socket.send(challenge);
    socket.on("message", (data) => heard(socket, (data as Buffer).toString()));
  });
  const { port } = server.address() as { port: number };
  return {
    url: `ws://127.0.0.1:${port}`,
    token: "scripted",
    calls,
    restart: () => {
      startedAt = performance.now();
      for (const client of server.clients) client.terminate();
    },
  };
}

/** As `agent.wait` answers for a run that isn't over: after the time, which of a long look isn't awaited here. */
export function notOver({ params, ok }: Asked): void {
  if ((params["timeoutMs"] as number) < 1_000) ok({ runId: params["runId"], status: "timeout" });
}

/** What it gives every device at the handshake. */
export const DEVICE_TOKEN = "token-of-this-device";

const DEFAULTS: Record<string, (asked: Asked) => void> = {
  agent: ({ params, ok }) => ok({ runId: params["idempotencyKey"], status: "accepted" }),
  "agent.wait": notOver,
  "chat.history": ({ ok }) => ok({ messages: [] }),
  "sessions.get": ({ ok }) => ok({ messages: [] }),
  "sessions.list": ({ ok }) => ok({ sessions: [] }),
};
