/**
 * What follows when a session has answered another one's message (`sessions_send`): the two go on by themselves, each
 * told the other's last answer, for at most five turns. Either ends it with exactly `REPLY_SKIP`, with silence, or by
 * being gone. Then the session that was written to may tell its channel of it, or keep quiet with `ANNOUNCE_SKIP`.
 */

import { messageOf } from "../errors.ts";
import type { Host } from "../host.ts";
import type { Logger } from "../log.ts";

/** Keys of the session that wrote first and of the one that answered. */
export type Exchange = {
  from: string;
  to: string;
  message: string;
  reply: string;
  /** How long each answer is waited for. */
  timeoutMs: number;
};

export class Exchanges {
  readonly #host: Pick<Host, "sendTo" | "announceIn">;
  readonly #logger: Logger;
  readonly #underWay = new Map<string, Promise<void>>();
  readonly #closing = new AbortController();

  constructor(host: Pick<Host, "sendTo" | "announceIn">, logger: Logger) {
    this.#host = host;
    this.#logger = logger;
  }

  /** Goes on in the background. A pair that is at it already has no second exchange: what is sent within one is part of it. */
  begin(exchange: Exchange): void {
    const pair = [exchange.from, exchange.to].toSorted().join("\n");
    if (this.#closing.signal.aborted || this.#underWay.has(pair)) return;
    const done = this.#goOn(exchange)
      .catch((error: unknown) => {
        const { from, to } = exchange;
        this.#logger.warn({ from, to }, `two sessions' exchange ended: ${messageOf(error)}`);
      })
      .finally(() => this.#underWay.delete(pair));
    this.#underWay.set(pair, done);
  }

  /** No further turn is begun; those under way are the host's to end. */
  close(): void {
    this.#closing.abort();
  }

  async #goOn(exchange: Exchange): Promise<void> {
    let { from: hears, to: speaks } = exchange;
    let said = exchange.reply;
    for (let turn = 1; turn <= MAX_TURNS && goesOn(said); turn++) {
      const reply = await this.#tell(hears, `${said}\n\n${turnNote(speaks, turn)}`, speaks, exchange, "reply");
      if (reply === undefined) break;
      said = reply;
      [hears, speaks] = [speaks, hears];
    }
    await this.#announce(exchange, said);
  }

  async #announce(exchange: Exchange, last: string): Promise<void> {
    const { from, to } = exchange;
    if (this.#host.announceIn === undefined) return;
    const words = await this.#tell(to, announceNote(exchange, last), from, exchange, "announce");
    if (words === undefined || words.trim() === "ANNOUNCE_SKIP" || this.#closing.signal.aborted) return;
    await this.#host.announceIn(to, words);
  }

  /** @returns undefined without an answer in time, with an empty one, and once this is closed */
  async #tell(
    sessionKey: string,
    message: string,
    from: string,
    { timeoutMs }: Exchange,
    step: "reply" | "announce",
  ): Promise<string | undefined> {
    const { signal } = this.#closing;
    if (signal.aborted) return undefined;
    const { reply = "" } = (await this.#host.sendTo?.(sessionKey, message, { from, timeoutMs, signal, step })) ?? {};
    return reply.trim() === "" ? undefined : reply;
  }
}

function goesOn(said: string): boolean {
  return said.trim() !== "REPLY_SKIP";
}

function turnNote(other: string, turn: number): string {
  return `[Turn ${turn} of ${MAX_TURNS} of an exchange with session ${other}: what you answer goes to it. Answer only REPLY_SKIP to end the exchange.]`;
}

function announceNote({ from, message, reply }: Exchange, last: string): string {
  return [
    `[The exchange with session ${from} is over. What you answer now is sent to this session's channel; answer only ANNOUNCE_SKIP to send nothing.]`,
    `It began with: ${message}`,
    `You answered: ${reply}`,
    ...(last === reply || !goesOn(last) ? [] : [`The last answer was: ${last}`]),
  ].join("\n");
}

const MAX_TURNS = 5;
