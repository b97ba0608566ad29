/** One WebSocket connection: the challenge, the handshake, then calls and their answers, and whatever is to go wrong. */

import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import type { RawData, WebSocket } from "ws";

import type { Answer } from "./answers.ts";
import { judge } from "./handshake.ts";
import type { Methods } from "./methods.ts";
import type { PairingStore } from "./pairing-store.ts";
import type { Faults, ReferenceGatewayOptions, Seen } from "./types.ts";
import { MAX_PAYLOAD_BYTES, METHOD_SCOPES, missingScope, PROTOCOL, requestFrame, type RequestFrame } from "./wire.ts";

export type ConnectionContext = {
  auth: NonNullable<ReferenceGatewayOptions["auth"]>;
  pairing: PairingStore;
  methods: Methods;
  seen: Seen;
  tickIntervalMs: number;
  faults(): Faults;
  /** An `agent` is accepted, and that was the last thing this gateway did. */
  die(): void;
};

export class Connection {
  readonly #context: ConnectionContext;
  readonly #socket: WebSocket;
  readonly #number: number;
  readonly #local: boolean;
  readonly #nonce = randomUUID();
  readonly #handshake: NodeJS.Timeout;
  #scopes: readonly string[] | undefined;
  #seq = 0;

  constructor(context: ConnectionContext, socket: WebSocket, request: IncomingMessage) {
    this.#context = context;
    this.#socket = socket;
    this.#number = ++context.seen.connections;
    this.#local = request.headers["x-forwarded-for"] === undefined && request.headers.origin === undefined;
    this.#handshake = setTimeout(() => socket.close(), HANDSHAKE_MS);
    socket.on("message", (data) => void this.#heard(data));
    socket.on("error", () => undefined);
    socket.on("close", () => clearTimeout(this.#handshake));
    const { handshake } = context.faults();
    if (handshake === "hang") return;
    this.#send({ type: "event", event: "connect.challenge", payload: { nonce: this.#nonce, ts: Date.now() } });
  }

  /** Nothing is told to a client that isn't through its handshake. */
  tell(event: string, payload: unknown): void {
    if (this.#scopes === undefined) return;
    this.#send({ type: "event", event, payload, seq: ++this.#seq });
  }

  close(code: number, reason: string): void {
    this.#socket.close(code, reason);
  }

  async #heard(data: RawData): Promise<void> {
    const text = (data as Buffer).toString();
    if (this.#scopes === undefined && text.length > MAX_FIRST_BYTES)
      return this.close(1009, "preauth payload too large");
    const frame = requestFrame.safeParse(parsed(text));
    const scopes = this.#scopes;
    if (scopes === undefined) {
      if (!frame.success) return this.close(1008, "invalid request frame");
      await this.#connect(frame.data);
    } else if (frame.success) {
      await this.#call(frame.data, scopes);
    } else {
      this.#send({
        type: "res",
        id: "invalid",
        ok: false,
        error: { code: "INVALID_REQUEST", message: "invalid request frame" },
      });
    }
  }

  async #connect({ id, method, params }: RequestFrame): Promise<void> {
    const { auth, pairing, seen, tickIntervalMs } = this.#context;
    seen.calls.push({ method, connection: this.#number, params: params ?? {} });
    const { handshake } = this.#context.faults();
    await this.#slowly(method);
    if (typeof handshake === "object") return this.close(handshake.code, handshake.reason);
    if (method !== "connect") {
      const message = "invalid handshake: first request must be connect";
      this.#answer(id, { ok: false, error: { code: "INVALID_REQUEST", message } });
      return this.close(1008, message);
    }
    const unauthorized = handshake === "unauthorized";
    const verdict = judge(params, { nonce: this.#nonce, auth, pairing, local: this.#local, unauthorized });
    if (!verdict.ok) {
      this.#answer(id, { ok: false, error: verdict.error });
      return this.close(verdict.close.code, verdict.close.reason);
    }
    clearTimeout(this.#handshake);
    this.#scopes = verdict.scopes;
    const { device, role } = verdict;
    const payload = {
      type: "hello-ok",
      protocol: PROTOCOL,
      server: { version: "reference", connId: randomUUID() },
      features: { methods: Object.keys(METHOD_SCOPES), events: ["agent", "tick", "shutdown"] },
      snapshot: { presence: [], health: {}, stateVersion: { presence: 0, health: 0 }, uptimeMs: performance.now() },
      ...(device === undefined
        ? {}
        : { auth: { deviceToken: device.token, role, scopes: device.scopes, issuedAtMs: Date.now() } }),
      policy: { maxPayload: MAX_PAYLOAD_BYTES, maxBufferedBytes: 2 * MAX_PAYLOAD_BYTES, tickIntervalMs },
    };
    this.#answer(id, { ok: true, payload });
  }

  async #call({ id, method, params = {} }: RequestFrame, scopes: readonly string[]): Promise<void> {
    const { methods, seen } = this.#context;
    seen.calls.push({ method, connection: this.#number, params });
    const missing = missingScope(method, scopes);
    if (missing !== undefined) {
      const error = { code: "INVALID_REQUEST", message: `missing scope: ${missing}` };
      return this.#answer(id, { ok: false, error });
    }
    const refused = this.#context.faults().refuse?.[method];
    if (refused !== undefined) return this.#answer(id, { ok: false, error: refused });
    const later = (answer: Answer): void => this.#answer(id, answer);
    const answer = await methods.answer({ method, params, scopes, later });
    if (method === "agent" && answer.ok) return this.#accepted(id, answer);
    await this.#slowly(method);
    if (this.#context.faults().silent?.includes(method) !== true) this.#answer(id, answer);
  }

  async #accepted(id: string, answer: Answer): Promise<void> {
    const faults = this.#context.faults();
    if (faults.loseAcceptance === true) {
      faults.loseAcceptance = false;
      return this.#socket.terminate();
    }
    await this.#slowly("agent");
    if (faults.silent?.includes("agent") === true) return;
    this.#answer(id, answer, faults.dieAfterAccept === true ? () => this.#context.die() : undefined);
  }

  async #slowly(method: string): Promise<void> {
    const { slow = {} } = this.#context.faults();
    const ms = slow[method] ?? slow["*"];
    if (ms !== undefined) await delay(ms, undefined, { ref: false });
  }

  #answer(id: string, answer: Answer, sent?: () => void): void {
    this.#send({ type: "res", id, ...answer }, sent);
  }

  #send(frame: object, sent?: () => void): void {
    if (this.#socket.readyState === this.#socket.OPEN) this.#socket.send(JSON.stringify(frame), () => sent?.());
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

const HANDSHAKE_MS = 10_000;
const MAX_FIRST_BYTES = 65_536;
