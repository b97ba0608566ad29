import { availableParallelism } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { parseConfig } from "../../src/config.ts";
import { ConfigError } from "../../src/errors.ts";
import { at, configKeysIn, holding, leavesOf, rangeIn, type ConfigKey } from "./config-table.ts";
import { codeIn, readDoc, ROOT } from "./markdown.ts";

const ROWS = configKeysIn(readDoc("README.md"));
const DEFAULTS = parseConfig({});

describe("the README's table of config keys", () => {
  it("names every setting of ours and every limit that has a default, each once", () => {
    const keys = ROWS.map(({ key }) => key);
    expect(keys).toEqual([...new Set(keys)]);
    expect(keys).toEqual(expect.arrayContaining(leavesOf(DEFAULTS.subagents, "subagents")));
    const limits = "agents.defaults.subagents";
    expect(keys).toEqual(expect.arrayContaining(leavesOf(DEFAULTS.agents.defaults.subagents, limits)));
    const { sessions_spawn, swarm } = DEFAULTS.tools;
    for (const path of leavesOf({ sessions_spawn, swarm }, "tools")) expect(keys).toContain(path);
  });

  it.for(ROWS)("tells the default of $key: $told", ({ key, told }) => {
    const found = at(DEFAULTS, SAMPLES[key]?.resolved ?? key);
    if (told === "–") expect(UNSET).toContainEqual(found);
    else expect(found).toBe(defaultFrom(key, told));
  });

  it.for(ROWS)("names $key, which can be set", (row) => {
    const { resolved = row.key } = SAMPLES[row.key] ?? {};
    for (const [value, becomes] of valuesFor(row)) {
      for (const { raw } of written(row.key, value)) expect(at(parseConfig(raw), resolved)).toEqual(becomes);
    }
  });

  it.for(ROWS.filter(({ key }) => choicesOf(key).length > 0))("names every choice of $key", (row) => {
    expect(codeIn(`${row.told} ${row.meaning}`)).toEqual(expect.arrayContaining(choicesOf(row.key)));
  });

  it("tells a range for every number of ours", () => {
    const numbers = ROWS.filter(({ key }) => key.startsWith("subagents.") && typeof at(DEFAULTS, key) === "number");
    expect(numbers.filter((row) => rangeOf(row) === undefined)).toEqual([]);
  });

  const ranges = ROWS.flatMap((row) => {
    const range = rangeOf(row);
    return range === undefined ? [] : [{ key: row.key, ...range }];
  });

  it.for(ranges)("tells the range of $key, where it begins and ends", ({ key, min, max }) => {
    for (const outside of [min - 1, ...(max === undefined ? [] : [max + 1])]) {
      for (const { raw, path } of written(key, outside)) expect(pathsAtFault(raw)).toEqual([path]);
    }
    const inside = fc.property(fc.integer({ min, max: max ?? min + 1000 }), (value) => {
      for (const { raw } of written(key, value)) expect(at(parseConfig(raw), key)).toBe(value);
    });
    fc.assert(inside, { examples: [[min], [max ?? min]] });
  });
});

describe("the reading of the table", () => {
  it("takes names that stand for several keys apart", () => {
    const table =
      "| key | default | range, meaning |\n| --- | --- | --- |\n| `a.b`, `.c`; `d.{e,f}` | 1 | 0–`g`; h |\n\nend";
    const rows = configKeysIn(table);
    expect(rows.map(({ key }) => key)).toEqual(["a.b", "a.c", "d.e", "d.f"]);
    expect(rows.map((row) => rangeIn(row.meaning, (name) => ({ g: 9 })[name]))).toEqual(
      rows.map(() => ({ min: 0, max: 9 })),
    );
    expect(rangeIn("≥ 3; why", () => undefined)).toEqual({ min: 3 });
    expect(rangeIn("0 = none", () => undefined)).toBeUndefined();
  });
});

/** Pairs of a value for the key and what it becomes. */
function valuesFor(row: ConfigKey): [unknown, unknown][] {
  const sample = SAMPLES[row.key];
  if (sample !== undefined) return [[sample.value, sample.becomes ?? sample.value]];
  const choices = choicesOf(row.key);
  if (choices.length > 0) return choices.map((choice) => [choice, choice]);
  const usual = at(DEFAULTS, row.key);
  const other =
    typeof usual === "boolean" ? !usual : (rangeOf(row)?.min ?? (typeof usual === "number" ? usual + 1 : undefined));
  if (other === undefined) expect.fail(`README names the key ${row.key}, which SAMPLES in this file has no value for.`);
  return [[other, other]];
}

/** Configs with the value at the key; our own section may also stand in the plugin's. */
function written(key: string, value: unknown): { raw: unknown; path: string }[] {
  const paths = key.startsWith("subagents.") ? [key, `plugins.entries.openclaw-inprocess.config.${key}`] : [key];
  return paths.map((path) => ({ raw: holding(path, value), path }));
}

function rangeOf({ key, meaning }: ConfigKey): ReturnType<typeof rangeIn> {
  return rangeIn(meaning, (name) => at(DEFAULTS, beside(key, name)));
}

function defaultFrom(key: string, told: string): unknown {
  const [code] = codeIn(told);
  if (code === "true" || code === "false") return code === "true";
  if (code !== undefined) return at(DEFAULTS, beside(key, code)) ?? code;
  if (/^\d+$/.test(told)) return Number(told);
  if (!Object.hasOwn(IN_WORDS, told)) expect.fail(`README says that ${key} is "${told}", which this test can't read.`);
  return IN_WORDS[told];
}

/** The words a setting of ours is one of, out of what is said to a wrong one. */
function choicesOf(key: string): string[] {
  if (!key.startsWith("subagents.")) return [];
  const [issue] = issuesOf(holding(key, "none of them"));
  return /^must be one of (.*), not "/.exec(issue?.message ?? "")?.[1]?.split(", ") ?? [];
}

function pathsAtFault(raw: unknown): string[] {
  return issuesOf(raw).map(({ path }) => path);
}

function issuesOf(raw: unknown): ConfigError["issues"] {
  try {
    parseConfig(raw);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.issues;
    throw error;
  }
}

function beside(key: string, name: string): string {
  return `${key.slice(0, key.lastIndexOf("."))}.${name}`;
}

const UNSET = [undefined, false, {}, { main: { id: "main", subagents: {}, tools: {} } }];

const IN_WORDS: Record<string, unknown> = {
  "min(4, cores)": Math.min(4, availableParallelism()),
  "V8's own": undefined,
  off: false,
};

/** Values for keys whose table row shows none, and where they stand in the parsed config when that is elsewhere. */
const SAMPLES: Record<string, { value: unknown; becomes?: unknown; resolved?: string }> = {
  "subagents.engine": { value: "file:///engine.mjs" },
  "subagents.budget.*": { value: { turns: 3 } },
  "agents.defaults.subagents.model": { value: "a/b", becomes: { primary: "a/b", fallbacks: [] } },
  "agents.defaults.subagents.thinking": { value: "low" },
  "agents.defaults.subagents.allowAgents": { value: ["helper"] },
  "agents.defaults.model": { value: "a/b", becomes: { primary: "a/b", fallbacks: [] } },
  "agents.defaults.workspace": { value: join(ROOT, "examples") },
  "agents.list[]": { value: [{ id: "main" }], becomes: { main: { id: "main", subagents: {}, tools: {} } } },
  "gateway.auth.mode": { value: "password" },
  "gateway.auth.token": { value: { source: "env", provider: "default", id: "TOKEN" } },
  "gateway.auth.password": { value: "${PASSWORD}" },
  "gateway.remote.url": { value: "wss://gateway.example:18789" },
  "gateway.remote.token": { value: "text" },
  "gateway.remote.password": { value: "${PASSWORD}" },
  "gateway.remote.tlsFingerprint": { value: "ab:cd" },
  "models.providers.*": { value: { a: { api: "b" } }, becomes: { a: { api: "b", models: [] } } },
  "tools.exec": { value: { security: "full", ask: "off" }, becomes: true, resolved: "tools.execAllowed" },
  "tools.swarm.defaultAgentId": { value: "worker" },
  "tools.subagents.tools.allow": { value: ["read"], resolved: "tools.subagents.allow" },
  "tools.subagents.tools.alsoAllow": { value: ["read"], resolved: "tools.subagents.alsoAllow" },
  "tools.subagents.tools.deny": { value: ["read"], resolved: "tools.subagents.deny" },
};
