/**
 * One WebSocket connection to a gateway: opened, let in by a signed handshake, then calls and events until it closes.
 * Nothing is sent before the certificate is known to be the pinned one.
 */

import { randomUUID } from "node:crypto";
import { performance } from "node:perf_hooks";
import { WebSocket, type RawData } from "ws";
import { InprocessError, messageOf } from "../errors.ts";
import { secretsOf, type GatewayAddress } from "./gateway-address.ts";
import { ConnectCauses, lost, protocolNamed, tooLate } from "./gateway-causes.ts";
import { pinnedConnection, type PinnedConnection } from "./gateway-certificate.ts";
import { challenge, helloOk, PROTOCOL, readFrame, requestFrame, type Answer, type Frame } from "./gateway-frames.ts";
import { connectParams } from "./gateway-handshake.ts";
import type { DeviceIdentity } from "./gateway-identity.ts";
import { shownSaid } from "./gateway-said.ts";

/** Milliseconds. A gateway that has just been started may stand still for more than ten seconds. */
export type GatewayTimeouts = {
  /** From the first packet to an open WebSocket. @default 30000 */
  connect: number;
  /** From there to `hello-ok`. @default 30000 */
  handshake: number;
  /** Of a call that names none of its own. @default 30000 */
  call: number;
};

export type SocketOptions = {
  address: GatewayAddress;
  /** `gateway.mode`: from where the certificate's pin was read. */
  mode: string;
  identity: DeviceIdentity;
  timeouts: GatewayTimeouts;
  onEvent(event: string, payload: unknown): void;
  /** Gives up a connection that isn't let in yet. */
  signal?: AbortSignal;
};

/** When a gateway's process began, as it told in the handshake. */
export type GatewayStart = {
  /** Milliseconds since the epoch on this machine's clock, which may be set. */
  at: number;
  /** On the scale of `performance.now()`, which nobody sets, and which like the gateway's own count stops in a sleep. */
  steadyAt: number;
  /** How old it was, milliseconds. */
  uptimeMs: number;
};

/** Resolves when the gateway has let us in. @throws InprocessError `gateway_unreachable`, `_pairing_required`, `_unauthorized`, `_refused` */
export async function openSocket(options: SocketOptions): Promise<GatewaySocket> {
  const socket = new GatewaySocket(options);
  try {
    await socket.open();
  } catch (error) {
    socket.close();
    throw error;
  }
  return socket;
}

export class GatewaySocket {
  readonly #options: SocketOptions;
  readonly #causes: ConnectCauses;
  readonly #pinned: PinnedConnection | undefined;
  readonly #ws: WebSocket;
  readonly #pending = new Map<string, { method: string; answered(answer: Answer): void; failed(error: Error): void }>();
  readonly #opening = Promise.withResolvers<void>();
  /** Resolves when the connection is gone. */
  readonly closed: Promise<void>;
  /** Undefined when it didn't say. */
  gatewayStart: GatewayStart | undefined;
  #timer: NodeJS.Timeout | undefined;
  #ticks: NodeJS.Timeout | undefined;
  /** Whether anything came since the last look. */
  #heard = false;
  #challenged = false;
  #letIn = false;
  #error: Error | undefined;
  /** The gateway's last message of the handshake, as it came. */
  #said = "";

  constructor(options: SocketOptions) {
    const { address, mode, timeouts } = options;
    this.#options = options;
    this.#causes = new ConnectCauses(address, mode, () => this.#secrets());
    this.#pinned = this.#pin();
    this.#ws = new WebSocket(address.url, {
      maxPayload: MAX_PAYLOAD_BYTES,
      perMessageDeflate: false,
      ...(this.#pinned === undefined ? {} : { createConnection: this.#pinned.create }),
    });
    this.#within(timeouts.connect, "opened no connection");
    const { promise, resolve } = Promise.withResolvers<void>();
    this.closed = promise;
    const giveUp = (): void => {
      if (this.#letIn) return;
      this.#opening.reject(
        new InprocessError("runtime_closed", "The runtime was closed before the gateway let it in."),
      );
      this.#ws.terminate();
    };
    options.signal?.addEventListener("abort", giveUp);
    this.#ws.on("open", () => this.#within(timeouts.handshake, "opened a connection, but didn't finish the handshake"));
    this.#ws.on("message", (data) => this.#received(data));
    this.#ws.on("error", (error) => (this.#error ??= error));
    this.#ws.on("close", (code, reason) => {
      options.signal?.removeEventListener("abort", giveUp);
      this.#pinned?.giveUp();
      this.#ended(code, reason.toString());
      resolve();
    });
  }

  get isOpen(): boolean {
    return this.#letIn && this.#ws.readyState === WebSocket.OPEN;
  }

  open(): Promise<void> {
    return this.#opening.promise;
  }

  /** @throws InprocessError `gateway_lost`, `gateway_timeout` */
  call(method: string, params: object, timeoutMs = this.#options.timeouts.call): Promise<Answer> {
    const id = randomUUID();
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#pending.delete(id);
        reject(tooLate(method, timeoutMs));
      }, timeoutMs);
      this.#pending.set(id, {
        method,
        answered: (answer) => (clearTimeout(timer), resolve(answer)),
        failed: (error) => (clearTimeout(timer), reject(error)),
      });
      // A failure to write closes the socket, which is where it is dealt with.
      this.#ws.send(requestFrame(id, method, params), () => undefined);
    });
  }

  close(): void {
    if (this.#ws.readyState === WebSocket.CONNECTING) return this.#ws.terminate();
    this.#ws.close(1000);
    // A gateway that hangs never closes its side.
    const force = setTimeout(() => this.#ws.terminate(), CLOSE_GRACE_MS);
    void this.closed.then(() => clearTimeout(force));
  }

  #pin(): PinnedConnection | undefined {
    const { tlsFingerprint } = this.#options.address;
    if (tlsFingerprint === undefined) return undefined;
    return pinnedConnection(tlsFingerprint, (found) => {
      const refused = this.#causes.wrongCertificate(found);
      this.#opening.reject(refused);
      return refused;
    });
  }

  /** The time for one step of being let in; the step before it is over. */
  #within(ms: number, what: string): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#opening.reject(this.#causes.late(what, ms));
      this.#ws.terminate();
    }, ms);
  }

  #received(data: RawData): void {
    this.#heard = true;
    // With the default `binaryType` a message is one Buffer.
    const text = (data as Buffer).toString();
    if (!this.#letIn) this.#said = text;
    const frame = readFrame(text);
    if (frame === undefined) return;
    if (frame.type === "event") return this.#event(frame);
    const pending = this.#pending.get(frame.id);
    // `agent` is answered twice: when it is accepted, and when its run is over, which `agent.wait` tells too.
    if (pending === undefined || !this.#pending.delete(frame.id)) return;
    if (frame.ok) return pending.answered({ ok: true, payload: frame.payload });
    const error = frame.error ?? { code: "UNKNOWN", message: "no reason given" };
    // It may quote what it was sent.
    pending.answered({ ok: false, error: { ...error, message: shownSaid(error.message, this.#secrets()) } });
  }

  #event({ event, payload }: Extract<Frame, { type: "event" }>): void {
    if (this.#letIn) return this.#options.onEvent(event, payload);
    // The first alone: each answer is another signature for this device, with the token beside it.
    if (event !== "connect.challenge" || this.#challenged) return;
    this.#challenged = true;
    const asked = challenge.safeParse(payload);
    if (!asked.success) return this.#opening.reject(this.#causes.strangeHandshake());
    void this.#signIn(asked.data.nonce);
  }

  async #signIn(nonce: string): Promise<void> {
    const { address, identity, timeouts } = this.#options;
    try {
      // The time-out of the whole handshake comes first.
      const answer = await this.call("connect", connectParams(address, identity, nonce), timeouts.handshake * 2);
      if (!answer.ok) {
        // A token that the gateway has taken back would be refused for ever.
        if (answer.error.details?.code === "AUTH_DEVICE_TOKEN_MISMATCH") identity.keepToken(address.url, undefined);
        return this.#opening.reject(this.#causes.refused(answer.error, protocolNamed(this.#said)));
      }
      const hello = helloOk.safeParse(answer.payload);
      if (!hello.success) return this.#opening.reject(this.#causes.strangeHandshake());
      const { protocol, auth, snapshot, policy } = hello.data;
      if (protocol !== PROTOCOL) return this.#opening.reject(this.#causes.otherProtocol(protocol));
      if (auth !== undefined) identity.keepToken(address.url, auth.deviceToken);
      if (snapshot !== undefined) {
        const { uptimeMs } = snapshot;
        this.gatewayStart = { at: Date.now() - uptimeMs, steadyAt: performance.now() - uptimeMs, uptimeMs };
      }
      this.#letIn = true;
      clearTimeout(this.#timer);
      this.#watchTicks(policy?.tickIntervalMs ?? TICK_MS);
      this.#opening.resolve();
    } catch (error) {
      // Closed meanwhile, which is told with its code; or the identity's key failed.
      this.#opening.reject(error);
    }
  }

  /**
   * A gateway that says nothing for three ticks, on a connection that seems open, is gone. Counted in looks of ours: of a
   * time in which this process stood still itself nobody knows what the gateway said.
   */
  #watchTicks(tickMs: number): void {
    let silent = 0;
    this.#ticks = setInterval(() => {
      silent = this.#heard ? 0 : silent + 1;
      this.#heard = false;
      if (silent >= 3) this.#ws.terminate();
    }, tickMs).unref();
  }

  #secrets(): string[] {
    const { address, identity } = this.#options;
    return secretsOf(address, identity.tokenFor(address.url));
  }

  #ended(code: number, reason: string): void {
    clearTimeout(this.#timer);
    clearInterval(this.#ticks);
    const wordless = code === 1006 || (code === 1005 && reason === "");
    const said = wordless && this.#error !== undefined ? messageOf(this.#error) : `${code} ${reason}`.trim();
    const why = shownSaid(said, this.#secrets());
    this.#opening.reject(wordless ? this.#causes.unreachable(why, this.#error) : this.#causes.closed(code, reason));
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    for (const { method, failed } of pending) failed(lost(method, why, this.#error));
  }
}

/** As much as a gateway sends at once. */
const MAX_PAYLOAD_BYTES = 25 * 1024 * 1024;
const CLOSE_GRACE_MS = 500;
const TICK_MS = 30_000;
