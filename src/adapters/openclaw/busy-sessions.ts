/**
 * Which sessions of the gateway are in a turn, heard from its agent events. 2026.4.1 leaves the session out of those of
 * a channel's turns: which turn is whose is learned from the hooks that are called in it.
 */

import type { AgentEvent, HostRuntime } from "./api.ts";

export class BusySessions {
  /** Turns under way, and whose they are as far as it is known. */
  readonly #turns = new Map<string, string | undefined>();
  /** Turns that a hook has told of and that haven't begun by the events, oldest first. */
  readonly #announced = new Map<string, string>();
  readonly #stop: () => void;

  /** @param onIdle a session's last turn is over */
  constructor(events: HostRuntime["events"], onIdle: (sessionKey: string) => void) {
    this.#stop = events.onAgentEvent((event) => this.#heard(event, onIdle));
  }

  /** A hook was called in this turn. */
  isTurnOf(runId: string, sessionKey: string): void {
    if (this.#turns.has(runId)) {
      this.#turns.set(runId, sessionKey);
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
    if (stream !== "lifecycle") return;
    if (data["phase"] === "start") {
      this.#turns.set(runId, sessionKey ?? this.#turns.get(runId) ?? this.#announced.get(runId));
      this.#announced.delete(runId);
    } else if (data["phase"] === "end" || data["phase"] === "error") {
      const whose = sessionKey ?? this.#turns.get(runId) ?? this.#announced.get(runId);
      this.#turns.delete(runId);
      this.#announced.delete(runId);
      if (whose !== undefined && !this.has(whose)) onIdle(whose);
    }
  }

  #turnsOf(sessionKey: string): string[] {
    return [...this.#turns].filter(([, whose]) => whose === sessionKey).map(([runId]) => runId);
  }
}

const MOST_ANNOUNCED = 1000;
