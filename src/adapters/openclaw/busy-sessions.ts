/**
 * Which sessions of the gateway are in a turn, heard from its agent events. 2026.4.1 leaves the session out of those of
 * a channel's turns: which turn is whose is learned from the hooks that are called in it. It also says nothing of the
 * end of a turn that failed over to another model and was then cut short: one that is silent for long counts as over,
 * until it is heard of again.
 */

import type { AgentEvent, HostRuntime } from "./api.ts";

/** under way ⇄ failed (another model may take it over); under way → over. */
type Turn = {
  /** As far as it is known. */
  whose: string | undefined;
  state: "under way" | "failed" | "over";
  /** By `performance.now()`. */
  heardAt: number;
  /** After so many milliseconds without a word it counts as over. */
  patienceMs: number;
  /** Calls of tools that are under way, by id. */
  calls: Set<unknown>;
};

export class BusySessions {
  /** Oldest first. */
  readonly #turns = new Map<string, Turn>();
  /** Turns that a hook has told of and that haven't begun by the events, oldest first. */
  readonly #announced = new Map<string, string>();
  readonly #stop: () => void;

  /** @param onIdle a session's last turn is over; not called for one that only fell silent: who found it busy asks again */
  constructor(events: HostRuntime["events"], onIdle: (sessionKey: string) => void) {
    this.#stop = events.onAgentEvent((event) => this.#heard(event, onIdle));
  }

  /** A hook was called in this turn. */
  isTurnOf(runId: string, sessionKey: string): void {
    const turn = this.#turns.get(runId);
    if (turn !== undefined) {
      turn.whose = sessionKey;
      return;
    }
    this.#announced.set(runId, sessionKey);
    // Some never begin, and nothing says so.
    if (this.#announced.size > MOST_KEPT) this.#announced.delete(this.#announced.keys().next().value!);
  }

  has(sessionKey: string): boolean {
    return this.#turnsOf(sessionKey).length > 0;
  }

  /** The turn that the session is in; undefined when there is none, or more than one. */
  turnOf(sessionKey: string): string | undefined {
    const turns = this.#turnsOf(sessionKey);
    return turns.length === 1 ? turns[0] : undefined;
  }

  close(): void {
    this.#stop();
  }

  #heard({ runId, stream, data, sessionKey }: AgentEvent, onIdle: (sessionKey: string) => void): void {
    const turn = this.#turns.get(runId);
    if (turn !== undefined) turn.heardAt = performance.now();
    const { phase } = data;
    if (stream === "lifecycle" && phase === "start") this.#begin(runId, sessionKey ?? turn?.whose);
    else if (stream === "lifecycle" && (phase === "end" || phase === "error")) {
      const whose = sessionKey ?? turn?.whose ?? this.#announced.get(runId);
      if (turn !== undefined) turn.state = phase === "end" ? "over" : "failed";
      this.#announced.delete(runId);
      if (whose !== undefined && !this.has(whose)) onIdle(whose);
    } else if (stream === "tool" && phase === "start") turn?.calls.add(data["toolCallId"]);
    else if (stream === "tool" && phase === "result") turn?.calls.delete(data["toolCallId"]);
    // A result may be told before its call. A model that speaks has all of them.
    else if (stream === "assistant") turn?.calls.clear();
  }

  #begin(runId: string, whose: string | undefined): void {
    const again = this.#turns.get(runId)?.state === "failed";
    this.#turns.delete(runId);
    this.#turns.set(runId, {
      whose: whose ?? this.#announced.get(runId),
      state: "under way",
      heardAt: performance.now(),
      patienceMs: again ? SILENT_AGAIN_MS : SILENT_MS,
      calls: new Set(),
    });
    this.#announced.delete(runId);
    if (this.#turns.size > MOST_KEPT) this.#forgetOne();
  }

  /** The oldest one that isn't under way any more, as far as that is known. */
  #forgetOne(): void {
    for (const [runId, turn] of this.#turns) {
      if (isUnderWay(turn)) continue;
      this.#turns.delete(runId);
      return;
    }
  }

  #turnsOf(sessionKey: string): string[] {
    return [...this.#turns].filter(([, turn]) => turn.whose === sessionKey && isUnderWay(turn)).map(([runId]) => runId);
  }
}

function isUnderWay({ state, heardAt, patienceMs, calls }: Turn): boolean {
  return state === "under way" && performance.now() - heardAt <= (calls.size === 0 ? patienceMs : CALL_MS);
}

/**
 * A model that thinks, or writes a tool's arguments, is silent here. 2026.9.6 gives one on the user's own machine five
 * minutes. A result that is brought too early waits there for the turn's end, and has a turn of its own.
 */
const SILENT_MS = 6 * 60_000;
/** The second attempt is the one that may never tell its end; 2026.4.1 gives a silent model up after 60 s. */
const SILENT_AGAIN_MS = 70_000;
/** `agents_wait` takes ten minutes unless it is set otherwise, the longest of OpenClaw's own tools. */
const CALL_MS = 11 * 60_000;
const MOST_KEPT = 1000;
