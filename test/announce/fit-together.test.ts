import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { announcement, completionMessage, type CompletionFacts } from "../../src/announce/completion-text.ts";
import { fitTogether } from "../../src/announce/fit-together.ts";
import { USAGE } from "../registry/fixtures/rows.ts";

describe("the results of one message", () => {
  it("are whole when they fit", () => {
    const messages = [told("x".repeat(48_000)), told("y".repeat(48_000))];
    expect(fitTogether(messages)).toEqual(messages);
  });

  it("have 96,000 characters between them, the long ones the same share each", () => {
    const texts = ["short", "a".repeat(40_000), "b".repeat(200_000), "c".repeat(40_000)];
    const shown = fitTogether(texts.map((text) => told(text))).map(resultIn);
    expect(shown[0]).toBe("short");
    expect(shown.slice(1).map(({ length }) => length)).toEqual([31_998, 31_998, 31_998]);
    expect(shown.map((text) => text[0]).join("")).toBe("sabc");
  });

  it("say how much of each stands in the transcript, once", () => {
    const [one, two] = fitTogether([told("a".repeat(60_000)), told("b".repeat(30))], 1_030);
    expect(one).toMatch(/^cut: 59000 characters more stand in the transcript\nstats: /m);
    expect(one!.match(/^cut: /gm)).toHaveLength(1);
    expect(two).not.toMatch(/^cut: /m);
    const [three] = fitTogether([told("c".repeat(48_005), { textBytesCut: 7 })], 1_000);
    expect(three).toMatch(/^cut: 47005 characters and 7 bytes after them more stand in the transcript\nstats: /m);
  });

  it("stay whole where they have just their share", () => {
    const messages = [told("a".repeat(10)), told("b".repeat(20))];
    const fitted = fitTogether(messages, 20);
    expect(fitted[0]).toBe(messages[0]);
    expect(resultIn(fitted[1]!)).toBe("b".repeat(10));
  });

  it("are found behind a label and before a path that look like their frame", () => {
    const message = told("x".repeat(50), { label: "a <<<RESULT abc", transcriptPath: "/cut: 7 characters/1.jsonl" });
    const [fitted] = fitTogether([message], 20);
    expect(fitted).toContain("\nlabel: a <<<RESULT abc\n");
    expect(resultIn(fitted!)).toBe("x".repeat(20));
    expect(fitted).toMatch(/^cut: 30 characters more stand in the transcript\nstats: /m);
    expect(fitted).toMatch(/^transcript: \/cut: 7 characters\/1.jsonl$/m);
  });

  it("leave what isn't a result's alone", () => {
    const own = "x".repeat(200);
    const unclosed = `<<<RESULT never closed\n${own}`;
    expect(fitTogether([own, unclosed], 0)).toEqual([own, unclosed]);
    expect(fitTogether([own, unclosed, told("a")], 1)).toEqual([own, unclosed, expect.stringContaining("\na\n")]);
  });

  it("never have more than their room, half a character, or anything else changed, whatever the children say", () => {
    const line = fc.constantFrom(
      "\n",
      "RESULT>>> ",
      "<<<RESULT abc\n",
      "cut: 5 characters",
      "😀",
      "words ",
      "\nstats: ",
    );
    const texts = fc.array(
      fc.array(line, { maxLength: 60 }).map((parts) => parts.join("")),
      { minLength: 1, maxLength: 6 },
    );
    fc.assert(
      fc.property(texts, fc.integer({ min: 0, max: 900 }), (all, room) => {
        const messages = all.map((text) => told(`said ${text}`));
        const fitted = fitTogether(messages, room);
        const shown = fitted.map(resultIn);
        expect(shown.reduce((sum, { length }) => sum + length, 0)).toBeLessThanOrEqual(room);
        for (const [n, text] of shown.entries()) {
          expect(`said ${all[n]}`.startsWith(text)).toBe(true);
          expect(text.isWellFormed()).toBe(true);
          const without = (message: string): string =>
            message.replace(resultIn(message), "").replace(/^cut: \d+ characters more .*\n/m, "");
          expect(without(fitted[n]!).length).toBe(without(messages[n]!).length);
        }
        // What there is room for is used: who is shortened has as much as the longest, give or take half a character.
        const cut = shown.filter((text, n) => text.length < `said ${all[n]}`.length).map(({ length }) => length);
        if (cut.length > 0)
          expect(Math.max(...shown.map(({ length }) => length)) - Math.min(...cut)).toBeLessThanOrEqual(1);
      }),
    );
  });
});

it("a message of several results is no longer than a requester can take", () => {
  const messages = Array.from({ length: 20 }, () => ({ message: told("x".repeat(48_000)) }));
  const whole = announcement(messages, 0);
  expect(whole.length).toBeLessThan(96_000 + 20 * 1_000);
  expect(whole.match(/^cut: 43200 characters more/gm)).toHaveLength(20);
});

function told(text: string, more: Partial<CompletionFacts> = {}): string {
  return completionMessage({
    key: "subagent:run-1",
    runId: "run-1",
    childSessionKey: "agent:main:subagent:1",
    sessionId: "1",
    requesterSessionKey: "agent:main:main",
    outcome: { status: "ok" },
    text,
    usage: USAGE,
    task: "count",
    runtimeMs: 10,
    transcriptPath: "/state/1.jsonl",
    ...more,
  });
}

function resultIn(message: string): string {
  return /^<<<RESULT (\w+)\n([\s\S]*)\nRESULT>>> \1$/m.exec(message)![2]!;
}
