/**
 * In front of the lane: of one batch of collected runs so many at a time are in the lane or at work, the rest wait here
 * in the order they came. What waits here is `queued` like any other.
 */

export type GroupPlace = {
  /** The run's. */
  id: string;
  /** Names the batch among those of all requesters. */
  group: string;
  /** How many of it may be past the gate. */
  limit: number;
};

export class GroupGate {
  readonly #groups = new Map<string, Entry[]>();

  /**
   * @param enter puts the job into the lane, at once or when it is the job's turn
   * @param job never rejects; it keeps its place until its promise settles
   */
  pass(place: GroupPlace, enter: (job: () => Promise<void>) => void, job: () => Promise<void>): void {
    const entry: Entry = { place, enter, job, state: "waiting" };
    const entries = this.#groups.get(place.group) ?? [];
    this.#groups.set(place.group, entries);
    entries.push(entry);
    this.#letIn(place.group);
  }

  /** What of the run hasn't begun never will. */
  settled(id: string, group: string | undefined): void {
    const entries = group === undefined ? undefined : this.#groups.get(group);
    const gone = entries?.filter((entry) => entry.place.id === id && entry.state !== "at work") ?? [];
    for (const entry of gone) this.#leave(entry);
  }

  #letIn(group: string): void {
    const entries = this.#groups.get(group) ?? [];
    for (const [index, entry] of entries.entries()) {
      if (index >= entry.place.limit) return;
      if (entry.state !== "waiting") continue;
      entry.state = "in the lane";
      entry.enter(async () => {
        entry.state = "at work";
        await entry.job().finally(() => this.#leave(entry));
      });
    }
  }

  /** The entries past the gate are the first ones, so one that leaves lets the next in. */
  #leave(entry: Entry): void {
    const { group } = entry.place;
    const entries = this.#groups.get(group);
    const index = entries?.indexOf(entry) ?? -1;
    if (entries === undefined || index < 0) return;
    entries.splice(index, 1);
    if (entries.length === 0) this.#groups.delete(group);
    else this.#letIn(group);
  }
}

type Entry = {
  place: GroupPlace;
  enter: (job: () => Promise<void>) => void;
  job: () => Promise<void>;
  state: "waiting" | "in the lane" | "at work";
};
