/** The way to a gateway that everybody here shares: one connection kept open, opened again when it broke. */

import { performance } from "node:perf_hooks";
import { InprocessError, isInprocessError } from "../errors.ts";
import { isTooLarge } from "./gateway-causes.ts";
import type { Answer } from "./gateway-frames.ts";
import type { GatewaySocket, GatewayStart } from "./gateway-socket.ts";

export type LinkOptions = {
  /**
   * Resolves with a connection that is let in; gives up when the signal fires.
   * @param alone for one call beside the kept connection, which hears all events already
   */
  open(signal: AbortSignal, alone: boolean): Promise<GatewaySocket>;
  /** A connection of its own for each call, as OpenClaw 2026.4.1 does; for the benchmark. @default false */
  connectionPerCall?: boolean;
};

export type CallOptions = {
  timeoutMs?: number;
  /** Not asked again by the link: the caller does that, in its own way. @default false */
  once?: boolean;
  /** Over a connection of its own: whatever its answer does to that, no other call is lost with it. @default false */
  alone?: boolean;
};

export class GatewayLink {
  readonly #options: LinkOptions;
  /** The kept connection, or the one that is being opened. */
  #current: Promise<GatewaySocket> | undefined;
  readonly #open = new Set<GatewaySocket>();
  #wasOpen = false;
  /** Of the gateway's process that answered last; undefined before. */
  #start: GatewayStart | undefined;
  /** When the gateway turned out to be younger than before: another process. On the scale of `performance.now()`. */
  #changedAt = -Infinity;
  readonly #closing = new AbortController();

  constructor(options: LinkOptions) {
    this.#options = options;
  }

  /** Whether a call would go out at once. */
  get isOpen(): boolean {
    return [...this.#open].some((socket) => socket.isOpen);
  }

  /** Whether the gateway ever let this process in. */
  get wasOpen(): boolean {
    return this.#wasOpen;
  }

  /** Milliseconds since the epoch on this machine's clock; undefined while unknown. */
  get gatewayStartedAt(): number | undefined {
    return this.#start?.at;
  }

  /**
   * Whether the gateway's process isn't the one of that moment.
   * @param moment on the scale of `performance.now()`, so that a clock that is set, or a sleep, makes no restart
   */
  beganAfter(moment: number): boolean {
    return (this.#start !== undefined && this.#start.steadyAt > moment) || this.#changedAt > moment;
  }

  /** Opens the connection when there is none. @throws InprocessError of a connection that can't be opened */
  async connect(): Promise<void> {
    await this.#socket();
  }

  /**
   * Asked once more over a fresh connection when the one it was sent over broke, unless `once` says that it would be
   * harmed by being asked twice.
   * @throws InprocessError `gateway_unreachable`, `_pairing_required`, `_unauthorized`, `_refused` when it was never
   * sent; `gateway_lost`, `gateway_timeout` when it was
   */
  async call(method: string, params: object, options: CallOptions = {}): Promise<Answer> {
    try {
      return await this.#callOnce(method, params, options);
    } catch (error) {
      const broke = isInprocessError(error) && error.code === "gateway_lost";
      // Its own answer, which would be as large again.
      const inVain = options.alone === true && isTooLarge(error);
      if (!broke || inVain || options.once === true || this.#closing.signal.aborted) throw error;
    }
    return this.#callOnce(method, params, options);
  }

  /** What is under way fails with `gateway_lost`. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#current?.catch(() => undefined);
    const open = [...this.#open];
    for (const socket of open) socket.close();
    await Promise.all(open.map((socket) => socket.closed));
  }

  async #callOnce(method: string, params: object, { timeoutMs, alone = false }: CallOptions): Promise<Answer> {
    const isOwn = alone || this.#options.connectionPerCall === true;
    const socket = await this.#socket(alone);
    try {
      return await socket.call(method, params, timeoutMs);
    } finally {
      if (isOwn) socket.close();
    }
  }

  async #socket(alone = false): Promise<GatewaySocket> {
    if (this.#closing.signal.aborted) throw new InprocessError("runtime_closed", "The runtime was closed.");
    if (alone || this.#options.connectionPerCall === true) return this.#opened(alone);
    const kept = this.#current;
    if (kept !== undefined) {
      const socket = await kept;
      if (socket.isOpen) return socket;
    }
    // Several callers may find the same connection broken: the first of them opens another.
    if (this.#current === kept) this.#current = undefined;
    const opening = (this.#current ??= this.#opened());
    try {
      return await opening;
    } catch (error) {
      if (this.#current === opening) this.#current = undefined;
      throw error;
    }
  }

  async #opened(alone = false): Promise<GatewaySocket> {
    const socket = await this.#options.open(this.#closing.signal, alone);
    this.#open.add(socket);
    this.#wasOpen = true;
    void socket.closed.then(() => this.#open.delete(socket));
    if (this.#closing.signal.aborted) socket.close();
    this.#came(socket.gatewayStart);
    return socket;
  }

  #came(start: GatewayStart | undefined): void {
    const before = this.#start?.uptimeMs ?? 0;
    if (start !== undefined && start.uptimeMs + SLACK_MS < before) this.#changedAt = performance.now();
    this.#start = start;
  }
}

/** Of two connections opened at once either may be told of first. */
const SLACK_MS = 10_000;
