import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { childSessionKey, mainSessionKey, sessionKind } from "../../src/sessions/session-key.ts";

/** As a config takes them, the words that keys are made of among them. */
const agentId = fc.oneof(
  fc.stringMatching(/^[a-z0-9][a-z0-9_-]{0,63}$/),
  fc.constantFrom("main", "subagent", "agent", "global"),
);

/** Pieces of keys, pieces that look like them, and anything else without a colon. */
const piece = fc.oneof(
  fc.constantFrom("agent", "subagent", "main", "", "Agent", "AGENT", "SUBAGENT", "Main", "cron", "__proto__"),
  fc.constantFrom(
    " agent",
    "agent ",
    "subagent ",
    "subagent\n",
    "subagent\u0000",
    "ѕubagent",
    "sub agent",
    "sub-agent",
  ),
  fc.string({ unit: "binary" }).map((text) => text.replaceAll(":", "")),
);

describe("the key of a child's session", () => {
  test("is its agent's, with an id of its own behind it, and is known for what it is", () => {
    fc.assert(
      fc.property(agentId, (id) => {
        const key = childSessionKey(id);
        const [, agent, uuid] = /^agent:(.*):subagent:(.*)$/s.exec(key)!;
        expect(agent).toBe(id);
        expect(uuid).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
        expect(key.split(":")).toEqual(["agent", id, "subagent", uuid]);
        expect(sessionKind(key)).toBe("subagent");
      }),
    );
  });

  test("is never the same twice", () => {
    const keys = Array.from({ length: 500 }, () => childSessionKey("main"));
    expect(new Set(keys).size).toBe(500);
  });

  test("has no second spelling: with a piece in another case, with more to it, or without one of its pieces it is another", () => {
    const letters = "agentsub".split("");
    fc.assert(
      fc.property(agentId, fc.nat(), fc.constantFrom("case", "space", "without", "doubled"), (id, at, how) => {
        const pieces = childSessionKey(id).split(":");
        // The agent's id may be spelled in any way; the two words around it may not.
        const word = at % 2 === 0 ? 0 : 2;
        const changed = {
          case: () => pieces.with(word, inOtherCase(pieces[word]!, at)),
          space: () => pieces.with(word, at % 3 === 0 ? ` ${pieces[word]}` : `${pieces[word]}${letters[at % 8]}`),
          without: () => pieces.toSpliced(word, 1),
          doubled: () => pieces.toSpliced(0, 0, pieces[word]!),
        }[how]();
        // An agent called `subagent` may make a child's key of what is left.
        fc.pre(!(changed[0] === "agent" && changed[2] === "subagent"));
        expect(sessionKind(changed.join(":"))).not.toBe("subagent");
      }),
    );
  });
});

describe("the key of a main session", () => {
  test("is known for one, also when the host has added to it", () => {
    fc.assert(
      fc.property(agentId, fc.option(fc.string({ unit: "binary" })), (id, more) => {
        const key = mainSessionKey(id);
        expect(key).toBe(`agent:${id}:main`);
        expect(sessionKind(more === null ? key : `${key}:${more}`)).toBe("main");
      }),
    );
  });
});

describe("any other text", () => {
  test("is a child's or a main session's key only with the right words at the right places", () => {
    fc.assert(
      fc.property(fc.array(piece, { minLength: 1, maxLength: 6 }), (pieces) => {
        const isAgents = pieces[0] === "agent" && pieces.length > 2;
        const kind = sessionKind(pieces.join(":"));
        if (!(isAgents && pieces[2] === "subagent")) expect(kind).not.toBe("subagent");
        if (!(isAgents && pieces[2] === "main") && pieces.join(":") !== "main") expect(kind).not.toBe("main");
        expect(["main", "subagent", "other"]).toContain(kind);
      }),
      { numRuns: 500 },
    );
  });

  test("is anything but a subagent's when it wasn't made of pieces at all", () => {
    fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => sessionKind(text) !== "subagent"));
  });

  test.each([
    ["main", "main"],
    ["global", "other"],
    ["subagent", "other"],
    ["subagent:1", "other"],
    ["subagent:main:subagent:1", "other"],
    ["agent:main", "other"],
    ["agent:main:cron:1:subagent:2", "other"],
    ["agent:main:mainly", "other"],
    ["agent:main:subagents:1", "other"],
    ["agent:subagent:main", "main"],
    ["main:main:main", "other"],
    ["MAIN", "other"],
    ["", "other"],
  ] as const)("%j is %s", (key, kind) => {
    expect(sessionKind(key)).toBe(kind);
  });
});

function inOtherCase(word: string, at: number): string {
  const n = at % word.length;
  return `${word.slice(0, n)}${word[n]!.toUpperCase()}${word.slice(n + 1)}`;
}
