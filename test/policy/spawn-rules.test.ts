import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { refuseParams, SPAWN_PARAMS } from "../../src/policy/spawn-params.ts";
import { clashOf, RULES } from "../../src/policy/spawn-rules.ts";
import type { SpawnParams } from "../../src/types.ts";

const is = (name: keyof typeof RULES, value: unknown): boolean => RULES[name].is(value);

describe("what a parameter may be", () => {
  test.each<[keyof typeof RULES, number]>([
    ["label", 200],
    ["model", 200],
    ["cwd", 4_096],
    ["groupId", 128],
  ])("%s: a text of 1 to %i characters that isn't only space", (name, max) => {
    expect([is(name, "x"), is(name, "x".repeat(max))]).toEqual([true, true]);
    for (const value of ["", " \n", "x".repeat(max + 1), 7, null, ["x"]]) expect(is(name, value)).toBe(false);
    expect(RULES[name].what).toContain(` ${max} `);
  });

  test.each<[keyof typeof RULES, string[]]>([
    ["thinking", ["off", "minimal", "low", "medium", "high", "xhigh", "max"]],
    ["mode", ["run", "session"]],
    ["cleanup", ["delete", "keep"]],
    ["sandbox", ["inherit", "require"]],
    ["context", ["isolated", "fork"]],
    ["completionTarget", ["parent"]],
    ["isolation", ["thread", "dedicated", "process"]],
  ])("%s: one of %j", (name, values) => {
    for (const value of values) {
      expect(is(name, value)).toBe(true);
      expect(is(name, value.toUpperCase())).toBe(false);
      expect(is(name, ` ${value}`)).toBe(false);
    }
    expect(RULES[name].what).toBe(`one of ${values.join(", ")}`);
    for (const value of ["", undefined, null, 0, values]) expect(is(name, value)).toBe(false);
  });

  test.each<keyof typeof RULES>(["thread", "lightContext", "expectsCompletionMessage", "collect"])(
    "%s: true or false",
    (name) => {
      expect([is(name, true), is(name, false)]).toEqual([true, true]);
      for (const value of ["true", 1, 0, null, {}]) expect(is(name, value)).toBe(false);
    },
  );

  test.each<keyof typeof RULES>(["toolsAllow", "toolsDeny"])("%s: a list of names, an empty one too", (name) => {
    expect([is(name, []), is(name, ["read", "web_*"])]).toEqual([true, true]);
    for (const value of ["read", { 0: "read" }, ["read", 7], [null], undefined]) expect(is(name, value)).toBe(false);
  });

  test.each<keyof typeof RULES>(["toolsAllow", "toolsDeny"])(
    "%s: 256 names at most, of 1 to 128 characters",
    (name) => {
      const names = (count: number) => Array.from({ length: count }, (_, index) => `q${index}*`);
      expect([is(name, names(256)), is(name, names(257)), is(name, names(20_000))]).toEqual([true, false, false]);
      expect([is(name, ["x".repeat(128)]), is(name, ["x".repeat(129)]), is(name, [""])]).toEqual([true, false, false]);
      expect(RULES[name].what).toBe("a list of at most 256 tool names, each of 1 to 128 characters");
    },
  );

  test("an agent's id and a handle: what their patterns say, to the last character", () => {
    const chars = fc.string({ unit: fc.constantFrom(..."ab0_-A. é\n"), maxLength: 70 });
    fc.assert(
      fc.property(chars, (value) => {
        const rest =
          /^[ab0_-]*$/.test(value.slice(1)) && !value.includes("\n") && value.length >= 1 && value.length <= 64;
        expect(is("agentId", value)).toBe(rest && /[ab0]/.test(value[0]!));
        expect(is("taskName", value)).toBe(rest && /[ab]/.test(value[0]!));
      }),
      { numRuns: 500 },
    );
    for (const name of ["agentId", "taskName"] as const) {
      expect(is(name, `a${"b".repeat(63)}`)).toBe(true);
      expect(is(name, `a${"b".repeat(64)}`)).toBe(false);
      for (const value of [7, ["a"], null]) expect(is(name, value)).toBe(false);
    }
    expect(["last", "all", "lasts", "all-of"].map((name) => is("taskName", name))).toEqual([false, false, true, true]);
  });

  test("a time: seconds that a timer can count to", () => {
    expect([0, 0.5, 60, 2_147_483].map((value) => is("runTimeoutSeconds", value))).toEqual([true, true, true, true]);
    for (const value of [-1, -0.001, 2_147_484, Infinity, NaN, "60", null])
      expect(is("runTimeoutSeconds", value)).toBe(false);
  });

  test("a budget: nothing but its four limits, one at least, each above 0 and whole but for money", () => {
    for (const limit of ["tokens", "turns", "toolCalls"]) {
      for (const value of [1, 1_000_000]) expect(is("budget", { [limit]: value })).toBe(true);
      for (const value of [0, -1, 1.5, "1", null, Infinity, 2 ** 53])
        expect(is("budget", { [limit]: value })).toBe(false);
    }
    for (const value of [0.01, 3]) expect(is("budget", { usd: value })).toBe(true);
    for (const value of [0, -1, NaN, Infinity, "1", null]) expect(is("budget", { usd: value })).toBe(false);
    for (const value of [{}, [], null, "5", { tokens: 1, more: 1 }, { constructor: 1 }])
      expect(is("budget", value)).toBe(false);
    expect(is("budget", { tokens: 1, usd: undefined })).toBe(true);
  });

  test("attachments: each a name and a content, nothing else but how it is written", () => {
    const file = { name: "a.txt", content: "b" };
    const rights = [
      file,
      { ...file, content: "" },
      { ...file, encoding: "utf8" },
      { ...file, encoding: "base64", mimeType: "a/b" },
    ];
    expect(is("attachments", rights)).toBe(true);
    expect(is("attachments", [])).toBe(true);
    const wrongs = [
      { ...file, name: "" },
      { ...file, name: 7 },
      { name: "a" },
      { ...file, content: 7 },
      { ...file, mimeType: 7 },
    ];
    for (const wrong of [...wrongs, { ...file, encoding: "hex" }, { ...file, mode: 7 }, null, "a", [file]])
      expect(is("attachments", [file, wrong])).toBe(false);
    for (const value of [file, "a", null]) expect(is("attachments", value)).toBe(false);
  });

  test("a place for them: a path of plain characters, or nothing", () => {
    for (const value of [{}, { mountPath: "in/A-Z_0.9:x" }, { mountPath: "a".repeat(4_096) }])
      expect(is("attachAs", value)).toBe(true);
    const paths = ["", "a b", "a\n", "a\\b", "é", "a".repeat(4_097), 7, ["a"]];
    for (const mountPath of paths) expect(is("attachAs", { mountPath })).toBe(false);
    for (const value of [null, "a", [], { path: "a" }]) expect(is("attachAs", value)).toBe(false);
  });

  test("a schema: an object that JSON can hold, of at most 64 KiB", () => {
    const sized = (bytes: number) => ({ d: "x".repeat(bytes - '{"d":""}'.length) });
    expect([is("outputSchema", {}), is("outputSchema", sized(65_536))]).toEqual([true, true]);
    const looped: Record<string, unknown> = {};
    looped["self"] = looped;
    for (const value of [sized(65_537), looped, { n: 1n }, [], null, true, "{}"])
      expect(is("outputSchema", value)).toBe(false);
    expect(RULES.outputSchema.what).toMatch(/ 64 KiB$/);
    // In bytes, not in characters.
    expect(is("outputSchema", { d: "é".repeat(40_000) })).toBe(false);
  });
});

describe("parameters that don't go together", () => {
  const params: fc.Arbitrary<Partial<SpawnParams>> = fc.record(
    {
      thread: fc.boolean(),
      mode: fc.constantFrom("run", "session"),
      collect: fc.boolean(),
      outputSchema: fc.constant({}),
      groupId: fc.constant("a"),
      completionTarget: fc.constant("parent"),
      expectsCompletionMessage: fc.boolean(),
    },
    { requiredKeys: [] },
  );

  test("are named in one sentence, and only they are refused", () => {
    fc.assert(
      fc.property(params, (given) => {
        const { thread = false, collect = false, mode = thread ? "session" : "run" } = given;
        const bound = thread || mode === "session";
        const clash = clashOf({ task: "x", ...given });
        const isWrong =
          (mode === "session" && !thread) ||
          (collect && bound) ||
          (!collect && (given.outputSchema !== undefined || given.groupId !== undefined)) ||
          (given.completionTarget !== undefined && (collect || bound || given.expectsCompletionMessage === false));
        expect(clash !== undefined).toBe(isWrong);
        if (clash === undefined) return;
        const said = Object.keys(given).filter((name) => clash.includes(name));
        expect(said.length).toBeGreaterThan(0);
        expect(refuseParams({ task: "x", ...given })).toEqual({
          status: "error",
          code: "params_invalid",
          message: clash,
        });
      }),
      { numRuns: 500 },
    );
  });

  test.each<[Partial<SpawnParams>, RegExp]>([
    [{ mode: "session" }, /mode `session`.*thread: true/],
    [{ collect: true, thread: true }, /^collect doesn't go with thread;/],
    [{ outputSchema: {}, groupId: "a" }, /^outputSchema is for .*collect: true/],
    [{ groupId: "a" }, /^groupId is for .*collect: true/],
    [{ completionTarget: "parent", collect: true }, /^completionTarget doesn't go with collect;/],
    [{ completionTarget: "parent", expectsCompletionMessage: false }, /with expectsCompletionMessage: false;/],
    [{ completionTarget: "parent", thread: true }, /with thread;/],
  ])("%j: %s", (given, sentence) => {
    expect(clashOf({ task: "x", ...given })).toMatch(sentence);
  });
});

describe("a spawn's parameters", () => {
  test("are refused by name and rule, the task first, and nothing thrown for any value", () => {
    const names = fc.constantFrom(...Object.keys(RULES), "task", "bogus", "timeoutSeconds", "__proto__");
    const anything = fc.dictionary(names, fc.anything(), { noNullPrototype: true });
    fc.assert(
      fc.property(anything, (given) => {
        const refusal = refuseParams({ task: "x", ...given });
        const wrong = Object.entries(given).filter(
          ([name, value]) =>
            value !== undefined && name !== "task" && !(Object.hasOwn(RULES, name) && is(name as never, value)),
        );
        if (wrong.length > 0) expect(refusal).toMatchObject({ status: "error" });
        if (refusal === undefined) expect(wrong).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });

  test("need a task that says something, of at most 256 KiB", () => {
    for (const task of [undefined, null, 7, "", " \n"])
      expect(refuseParams({ task } as unknown as SpawnParams)).toMatchObject({
        code: "params_invalid",
        message: expect.stringContaining("needs a task") as string,
      });
    expect(refuseParams({ task: "x".repeat(262_144) })).toBeUndefined();
    const refusal = {
      status: "error",
      code: "payload_too_large",
      message: expect.stringContaining("256 KiB") as string,
    };
    expect(refuseParams({ task: "x".repeat(262_145) })).toMatchObject(refusal);
    expect(refuseParams({ task: "é".repeat(131_073) })).toMatchObject(refusal);
  });

  test("are known by these names", () => {
    expect([...SPAWN_PARAMS].sort()).toEqual(["task", ...Object.keys(RULES)].sort());
    expect(RULES.label.what).toMatch(/^a text/);
    for (const { what } of Object.values(RULES)) expect(what).toMatch(/\w/);
  });
});
