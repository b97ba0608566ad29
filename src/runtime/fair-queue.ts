/**
 * The order of those that wait: trees in turn, in a tree its requesters in turn, of a requester the oldest first. One
 * that asks for a thousand delays another by no more than one each time round. A tree, or a requester, whose last one
 * has gone leaves the round, and joins it again at its end.
 */

/** For whom something waits: the sessions at the top of its tree and right above it. */
export type Place = { tree: string; requester: string };

export class FairQueue<T extends { readonly place: Place }> {
  /** Maps keep the order their keys were added in: the first is next, and is put at the end once it has had its turn. */
  readonly #trees = new Map<string, Map<string, T[]>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  push(item: T): void {
    const { tree, requester } = item.place;
    const requesters = entry(this.#trees, tree, () => new Map<string, T[]>());
    entry(requesters, requester, () => []).push(item);
    this.#size += 1;
  }

  /** The next, taken out. */
  shift(): T | undefined {
    const [tree, requesters] = first(this.#trees) ?? [];
    if (tree === undefined || requesters === undefined) return undefined;
    const [requester, items] = first(requesters)!;
    const item = items.shift()!;
    this.#size -= 1;
    requesters.delete(requester);
    if (items.length > 0) requesters.set(requester, items);
    this.#trees.delete(tree);
    if (requesters.size > 0) this.#trees.set(tree, requesters);
    return item;
  }

  /** Takes one out before its turn; the others keep theirs. @returns whether it was in */
  remove(item: T): boolean {
    const { tree, requester } = item.place;
    const requesters = this.#trees.get(tree);
    const items = requesters?.get(requester) ?? [];
    const index = items.indexOf(item);
    if (requesters === undefined || index < 0) return false;
    items.splice(index, 1);
    this.#size -= 1;
    if (items.length === 0) requesters.delete(requester);
    if (requesters.size === 0) this.#trees.delete(tree);
    return true;
  }

  /** To ask where more would stand, without letting them in. */
  outlook(): Outlook {
    const counts = new Map<string, Map<string, number>>();
    for (const [tree, requesters] of this.#trees) {
      counts.set(tree, new Map([...requesters].map(([requester, items]) => [requester, items.length])));
    }
    return new Outlook(counts);
  }
}

/** How many wait for whom, as it is at one moment and with those that are thought to join. */
export class Outlook {
  readonly #counts: Map<string, Map<string, number>>;

  constructor(counts: Map<string, Map<string, number>>) {
    this.#counts = counts;
  }

  /** How many have their turn before one more, if nobody else comes. */
  before({ tree, requester }: Place): number {
    const requesters = this.#counts.get(tree) ?? NOBODY;
    const inTree = turnsBefore(requesters, requester, requesters.get(requester) ?? 0, (count) => count);
    return turnsBefore(this.#counts, tree, inTree, sum);
  }

  /** Thinks of one more. */
  join({ tree, requester }: Place): void {
    const requesters = entry(this.#counts, tree, () => new Map<string, number>());
    requesters.set(requester, (requesters.get(requester) ?? 0) + 1);
  }
}

/** Of a round whose member `own` has its turn number `turn` (from 0): what goes before that, its own included. */
function turnsBefore<V>(round: Map<string, V>, own: string, turn: number, countOf: (value: V) => number): number {
  let before = turn;
  let earlierInRound = true;
  for (const [name, value] of round) {
    if (name === own) earlierInRound = false;
    else before += Math.min(countOf(value), earlierInRound ? turn + 1 : turn);
  }
  return before;
}

function sum(counts: Map<string, number>): number {
  return [...counts.values()].reduce((total, count) => total + count, 0);
}

function first<K, V>(map: Map<K, V>): [K, V] | undefined {
  return map.entries().next().value;
}

function entry<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const there = map.get(key);
  if (there !== undefined) return there;
  const made = make();
  map.set(key, made);
  return made;
}

const NOBODY: Map<string, number> = new Map();
