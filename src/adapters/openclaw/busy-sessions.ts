/**
 * Which sessions of the gateway are in a turn, heard from its agent events. 2026.4.1 leaves the session out of those of
 * a channel's turns: which turn is whose is learned from the hooks that are called in it. It also says nothing of the
 * end of a turn that failed over to another model and was then cut short: one that is silent for long counts as over.
 */

import type { AgentEvent, HostRuntime } from "./api.ts";

type Turn = {
  /** As far as it is known. */
  whose: string | undefined;
  /** Milliseconds since the epoch. */
  heardAt: number;
  /** Calls of tools that are under way, by id. */
  calls: Set<unknown>;
};

export class BusySessions {
  /** Turns of which an end wasn't heard. */
  readonly #turns = new Map<string, Turn>();
  /** Turns that a hook has told of and that haven't begun by the events, oldest first. */
  readonly #announced = new Map<string, string>();
  readonly #stop: () => void;

  /** @param onIdle a session's last turn is over */
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
    if (this.#announced.size > MOST_ANNOUNCED) this.#announced.delete(this.#announced.keys().next().value!);
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
    if (turn !== undefined) turn.heardAt = Date.now();
    if (stream === "tool") {
      if (data["phase"] === "start") turn?.calls.add(data["toolCallId"]);
      else if (data["phase"] === "result") turn?.calls.delete(data["toolCallId"]);
      return;
    }
    if (stream !== "lifecycle") return;
    const whose = sessionKey ?? turn?.whose ?? this.#announced.get(runId);
    if (data["phase"] === "start") {
      this.#announced.delete(runId);
      this.#forgetSilent();
      this.#turns.set(runId, { whose, heardAt: Date.now(), calls: new Set() });
    } else if (data["phase"] === "end" || data["phase"] === "error") {
      this.#turns.delete(runId);
      this.#announced.delete(runId);
      if (whose !== undefined && !this.has(whose)) onIdle(whose);
    }
  }

  #turnsOf(sessionKey: string): string[] {
    this.#forgetSilent();
    return [...this.#turns].filter(([, { whose }]) => whose === sessionKey).map(([runId]) => runId);
  }

  /** Nobody is told: whoever found its session busy asks again. */
  #forgetSilent(): void {
    const now = Date.now();
    for (const [runId, { heardAt, calls }] of this.#turns)
      if (now - heardAt > (calls.size === 0 ? SILENT_MS : CALL_MS)) this.#turns.delete(runId);
  }
}

/** OpenClaw itself gives a model up that sends nothing for 60 s. A result that comes too early waits for its turn there. */
const SILENT_MS = 70_000;
/** `agents_wait`, which is told results itself, takes ten minutes at most. */
const CALL_MS = 11 * 60_000;
const MOST_ANNOUNCED = 1000;
