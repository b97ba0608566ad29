import fc from "fast-check";
import { beforeEach, describe, expect, test } from "vitest";

import type { Registry } from "../../src/registry/registry.ts";
import type { NewRun, RunRow } from "../../src/registry/run-row.ts";
import { LiveRuns } from "../../src/runtime/parts.ts";
import { listed, targetsOf } from "../../src/runtime/targets.ts";
import type { TrackedRun } from "../../src/runtime/tracked-run.ts";
import { childOf, newRun, settlementOf } from "../registry/fixtures/rows.ts";
import { openOwned } from "../registry/support.ts";

/** One child as a test wants it; names are few, so that many of them clash. */
type Sketch = {
  /** Of the requester that asks; otherwise another's. */
  own: boolean;
  id: string;
  label?: string;
  taskName?: string;
  state: "active" | "ended lately" | "ended long ago";
  /** Its session was begun anew under another run id. */
  anew: boolean;
};

const ids = ["aaaaaaaa", "aaaaaaab", "aaaaab", "bbbb", "1", "12", "last", "read"];
const common = ["read", "read", "review", "rev", "aaaaaaaa"];
const odd = ["1", "12", "007", "last", "all", "aaaaaaaa#0", "a_b", "%", "😀 x"];
const labels = [...common, ...common, "read the docs", "count", ...odd];
const taskNames = [...common, "lint-1", "lint-2"];
const sketch: fc.Arbitrary<Sketch> = fc.record({
  own: fc.boolean(),
  id: fc.constantFrom(...ids),
  label: fc.option(fc.constantFrom(...labels), { nil: undefined }),
  taskName: fc.option(fc.constantFrom(...taskNames), { nil: undefined }),
  state: fc.constantFrom("active", "ended lately", "ended long ago"),
  anew: fc.boolean(),
});
const sketches = fc.array(sketch, { maxLength: 8 });

/** @param chars 0: all of it */
const beginning = (name: string, chars: number): string => (chars === 0 ? name : name.slice(0, chars));
/** What may be asked for: a name of one of the runs, the beginning of one, and what no run is called. */
const target = fc.oneof(
  fc.tuple(fc.constantFrom(...labels, ...taskNames), fc.nat(14)).map(([name, chars]) => beginning(name, chars)),
  fc.tuple(fc.constantFrom(...ids), fc.nat(7), fc.nat(12)).map(([id, n, chars]) => beginning(`${id}#${n}`, chars)),
  fc.tuple(fc.nat(7), fc.nat(30)).map(([n, chars]) => beginning(`agent:main:subagent:#${n}`, chars)),
  fc.constantFrom(
    "",
    "  ",
    "*",
    "nobody",
    "A",
    "READ",
    "_",
    "a%",
    "aaaa_0",
    "0",
    "00",
    "000",
    "-1",
    "01",
    "1.0",
    "'",
    "\u0000",
  ),
  fc.string(),
);

let registry: Registry;

beforeEach(() => {
  registry = openOwned(":memory:");
});

describe("a name for a run", () => {
  test("is taken in its closest sense: one that lives before those that have ended, the newest of these, several, or none", () => {
    fc.assert(
      fc.property(sketches, target, (children, name) => {
        const { me, own, spelled } = admitted(children);
        const named = spelled(name).trim();
        const fitting = named === "" ? [] : own.filter((run) => closeness(run, named) >= 0);
        const closest = Math.min(...fitting.map((run) => closeness(run, named)));
        const meant = newestOfEach(fitting.filter((run) => closeness(run, named) === closest));
        // Of ended ones that are called exactly so, nothing can befall but the newest.
        const expected = closest < BEGINNING && !meant.some((run) => run.active) ? meant.slice(0, 1) : meant;

        const answer = registry.resolve(me, spelled(name));
        if (expected.length === 0) expect(answer).toEqual({ error: "not_found" });
        else if (expected.length === 1) expect(answer).toMatchObject({ found: { runId: expected[0]!.runId } });
        else {
          expect(answer).toMatchObject({ error: "ambiguous" });
          const { candidates } = answer as { candidates: RunRow[] };
          expect(idsOf(candidates).sort()).toEqual(idsOf(expected).sort());
        }
      }),
      { numRuns: 500 },
    );
  });

  test("means the same with space around it", () => {
    fc.assert(
      fc.property(sketches, target, fc.constantFrom(" ", "\t", "\n "), (children, name, space) => {
        const { me, spelled } = admitted(children);
        const [plain, spaced] = [spelled(name), `${space}${spelled(name)}${space}`].map((one) => ask(me, one));
        expect([spaced!.runs, spaced!.code]).toEqual([plain!.runs, plain!.code]);
        expect(registry.resolve(me, ` ${spelled(name)}\n`)).toEqual(registry.resolve(me, spelled(name)));
      }),
    );
  });
});

describe("a target", () => {
  test("never names another requester's run, and what others have started changes no answer", () => {
    fc.assert(
      fc.property(sketches, fc.oneof(target, fc.constantFrom("last", "all", "1", "2", "3")), (children, name) => {
        const among = admitted(children);
        const answer = ask(among.me, among.spelled(name));
        for (const runId of answer.runs ?? []) expect(registry.run(runId)!.requesterSessionKey).toBe(among.me);

        const alone = admitted(children.map((one) => (one.own ? one : undefined)));
        const same = ask(alone.me, alone.spelled(name));
        expect(answer.runs?.map(among.plain)).toEqual(same.runs?.map(alone.plain));
        // That a run is somebody else's is said only to who gives its whole id or key.
        expect(same.code).toBe(answer.code === "not_yours" ? "not_found" : answer.code);
        if (answer.code !== "not_yours") expect(among.plain(answer.error ?? "")).toBe(alone.plain(same.error ?? ""));
      }),
      { numRuns: 300 },
    );
  });

  test("that is another requester's run id or session key is refused as not the caller's; its other names as unknown", () => {
    fc.assert(
      fc.property(fc.array(sketch, { minLength: 1, maxLength: 5 }), fc.nat(), (children, at) => {
        const others = children.map((one) => ({ ...one, own: false }));
        const { me, spelled } = admitted(others);
        const n = at % others.length;
        expect(ask(me, spelled(`${others[n]!.id}#${n}`)).code).toBe("not_yours");
        expect(ask(me, spelled(sessionOf(n))).code).toBe("not_yours");
        for (const name of [others[n]!.label, others[n]!.taskName, others[n]!.id, "last"]) {
          if (name === undefined || name === "all" || registry.run(spelled(name)) !== undefined) continue;
          expect(ask(me, spelled(name)).code).toBe("not_found");
        }
        expect(ask(me, "all")).toEqual({ runs: [] });
      }),
    );
  });

  test("that is a number means the list as it is shown; 0 and beyond its end nothing but a run labelled so", () => {
    fc.assert(
      fc.property(sketches, fc.nat(12), fc.constantFrom("", "0"), (children, number, zero) => {
        const { me, newest } = admitted(children);
        const shown = children.flatMap((one, n) => (one.own && one.state !== "ended long ago" ? [newest[n]!] : []));
        expect(idsOf(listed({ registry, live: NOBODY }, me))).toEqual(shown);
        const { runs, code, error } = ask(me, `${zero}${number}`);
        if (number > 0 && number <= shown.length) expect(runs).toEqual([shown[number - 1]]);
        else if (runs === undefined) expect([code, error]).toEqual(refused(children, `${zero}${number}`));
        else for (const runId of runs) expect(registry.run(runId)!.label).toBe(`${zero}${number}`);
      }),
      { numRuns: 200 },
    );
  });

  test("that is `last` means the one started last, `all` and `*` those at work, each session by its newest run", () => {
    fc.assert(
      fc.property(sketches, (children) => {
        const { me, newest } = admitted(children);
        const own = children.flatMap((one, n) => (one.own ? [{ ...one, runId: newest[n]! }] : []));
        const active = own.filter((one) => one.state === "active").map((one) => one.runId);
        expect(ask(me, "all")).toEqual({ runs: active });
        expect(ask(me, "*")).toEqual({ runs: active });
        const last = own.at(-1);
        if (last === undefined) expect(ask(me, "last").code).toBe("not_found");
        else expect(ask(me, "last")).toEqual({ runs: [last.runId] });
      }),
    );
  });

  test("that is a run id or a session key means the newest run of that session, whatever else is called so", () => {
    fc.assert(
      fc.property(fc.array(sketch, { minLength: 1, maxLength: 8 }), fc.nat(), (children, at) => {
        const n = at % children.length;
        const { me, newest, spelled } = admitted(children.with(n, { ...children[n]!, own: true }));
        const runs = [newest[n]!];
        expect(ask(me, spelled(`${children[n]!.id}#${n}`))).toEqual({ runs });
        expect(ask(me, newest[n]!)).toEqual({ runs });
        expect(ask(me, spelled(sessionOf(n)))).toEqual({ runs });
      }),
    );
  });

  test("is refused whatever it is to a leaf, and to anybody who names itself", () => {
    const [leaf, orchestrator] = [newRun(), newRun({ role: "orchestrator" })];
    for (const run of [leaf, orchestrator, childOf(leaf), childOf(orchestrator)]) registry.admit(run, LIMITS);
    fc.assert(
      fc.property(fc.oneof(target, fc.constantFrom("all", "last", "1")), (name) => {
        expect(ask(leaf.childSessionKey, name).code).toBe("not_yours");
      }),
    );
    const { childSessionKey, runId } = orchestrator;
    for (const itself of [childSessionKey, runId]) expect(ask(childSessionKey, itself).code).toBe("not_yours");
    expect(ask(orchestrator.childSessionKey, "all").runs).toHaveLength(1);
  });
});

/** `active`: its session is. */
type Named = Pick<NewRun, "runId" | "childSessionKey" | "label" | "taskName"> & { active: boolean };

/**
 * Puts the sketched children into the registry for a requester of their own.
 * @param children `undefined` leaves a place empty: those after it keep their names
 * @returns the requester; its runs, newest first; the newest run id at each place; and a name as it is spelled here, as
 * run ids and session keys (`…#3`) are nobody else's
 */
function admitted(children: (Sketch | undefined)[]) {
  const mark = `~${cases++}~`;
  const me = `agent:main:r${mark}`;
  const spelled = (name: string): string => (/#\d+(-anew)?$/.test(name) ? `${name}${mark}` : name);
  const own: Named[] = [];
  const newest = children.map((one, n) => one && spelled(one.anew ? `${one.id}#${n}-anew` : `${one.id}#${n}`));
  for (const [n, one] of children.entries()) {
    if (one === undefined) continue;
    const first = newRun({
      runId: spelled(`${one.id}#${n}`),
      childSessionKey: spelled(sessionOf(n)),
      requesterSessionKey: one.own ? me : `agent:main:s${mark}`,
      ...(one.label === undefined ? {} : { label: spelled(one.label) }),
      ...(one.taskName === undefined ? {} : { taskName: one.taskName }),
    });
    registry.admit(first, LIMITS);
    const last = { ...first, runId: newest[n]! };
    const at = one.state === "ended long ago" ? LONG_AGO : Date.now();
    if (one.anew) {
      registry.restart(last, first.runId);
      registry.settle([settlementOf(first, { at })]);
      if (one.own) own.unshift({ ...first, active: one.state === "active" });
    }
    if (one.state !== "active") registry.settle([settlementOf(last, { at })]);
    if (one.own) own.unshift({ ...last, active: one.state === "active" });
  }
  return { me, own, newest, spelled, plain: (text: string) => text.replaceAll(mark, "") };
}

function ask(sessionKey: string, name: string): { runs?: string[]; code?: string; error?: string } {
  const targets = targetsOf({ registry, live: NOBODY }, name, { sessionKey, agentId: "main" });
  if ("runs" in targets) return { runs: idsOf(targets.runs) };
  return { code: targets.refusal.code, error: targets.refusal.error };
}

/** What a number is told that is none of the list and no one run's label. */
function refused(children: Sketch[], number: string): unknown[] {
  const several = children.filter((one) => one.own && one.label === number).length > 1;
  return several
    ? ["ambiguous", expect.stringContaining("could be any of")]
    : ["not_found", expect.stringContaining("no number")];
}

/** How closely a text names a run: the smaller, the closer; -1 when it doesn't. */
function closeness({ runId, childSessionKey, taskName = "", label = "", active }: Named, name: string): number {
  const addresses = [runId, childSessionKey].map((one) => one === name);
  const names = [taskName, label].map((one) => one === name);
  const begun = [name.length >= 8 && runId.startsWith(name), ...[taskName, label].map((one) => one.startsWith(name))];
  const none = (ways: boolean[]): boolean[] => ways.map(() => false);
  const living = (ways: boolean[]): boolean[] => (active ? [...ways, ...none(ways)] : [...none(ways), ...ways]);
  return [...addresses, ...living(names), ...living(begun)].indexOf(true);
}

function newestOfEach(runs: Named[]): Named[] {
  return runs.filter((run, n) => runs.findIndex((other) => other.childSessionKey === run.childSessionKey) === n);
}

function sessionOf(n: number): string {
  return `agent:main:subagent:#${n}`;
}

function idsOf(runs: { runId: string }[]): string[] {
  return runs.map((run) => run.runId);
}

let cases = 0;
/** From here on it is the beginning of a name, no whole one. */
const BEGINNING = 6;
const LIMITS = { maxChildren: 1e6, maxQueued: 1e6 };
const NOBODY = new LiveRuns<TrackedRun>();
/** Well before what a list shows of the past. */
const LONG_AGO = 1_000;
