/** Which sessions of the gateway are in a turn, heard from its agent events. */

import type { AgentEvent, HostRuntime } from "./api.ts";

export class BusySessions {
  /** Turns under way, by session. */
  readonly #turns = new Map<string, Set<string>>();
  readonly #stop: () => void;

  /** @param onIdle a session's last turn is over */
  constructor(events: HostRuntime["events"], onIdle: (sessionKey: string) => void) {
    this.#stop = events.onAgentEvent((event) => this.#heard(event, onIdle));
  }

  has(sessionKey: string): boolean {
    return this.#turns.has(sessionKey);
  }

  /** The turn that the session is in; undefined when there is none, or more than one. */
  turnOf(sessionKey: string): string | undefined {
    const turns = [...(this.#turns.get(sessionKey) ?? [])];
    return turns.length === 1 ? turns[0] : undefined;
  }

  close(): void {
    this.#stop();
  }

  #heard({ runId, stream, data, sessionKey }: AgentEvent, onIdle: (sessionKey: string) => void): void {
    if (stream !== "lifecycle" || sessionKey === undefined) return;
    const turns = this.#turns.get(sessionKey) ?? new Set();
    if (data["phase"] === "start") {
      this.#turns.set(sessionKey, turns.add(runId));
    } else if (data["phase"] === "end" || data["phase"] === "error") {
      turns.delete(runId);
      if (turns.size > 0) return;
      this.#turns.delete(sessionKey);
      onIdle(sessionKey);
    }
  }
}
