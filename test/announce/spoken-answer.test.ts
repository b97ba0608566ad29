import { describe, expect, it } from "vitest";

import { isSilent, SpokenAnswer } from "../../src/announce/spoken-answer.ts";

const said = (text: string) => ({ status: "ok" as const, text });

describe("what a session's turns come to", () => {
  it("is the last thing that was answered", () => {
    const answer = new SpokenAnswer();
    expect(answer.text).toBe("");
    expect(answer.heard(said("one"))).toBe(true);
    expect(answer.heard(said("two"))).toBe(true);
    expect(answer.text).toBe("two");
  });

  it.each(["NO_REPLY", " ANNOUNCE_SKIP\n", "", " \n"])("is what it was when a later turn says %j", (silence) => {
    const answer = new SpokenAnswer();
    answer.heard(said("the answer"));
    expect(answer.heard(said(silence))).toBe(false);
    expect(answer.text).toBe("the answer");
    expect(answer.heard(said("a better one"))).toBe(true);
    expect(answer.text).toBe("a better one");
  });

  it("is a token while nothing else was answered, and what is answered then", () => {
    const answer = new SpokenAnswer();
    expect(answer.heard(said("NO_REPLY"))).toBe(true);
    expect(answer.text).toBe("NO_REPLY");
    expect(answer.heard(said(""))).toBe(true);
    expect(answer.text).toBe("NO_REPLY");
    expect(answer.heard(said("after all"))).toBe(true);
    expect(answer.text).toBe("after all");
  });

  it.each([
    ["beside a yield", { ...said("I wait."), yielded: true as const }],
    ["by a turn that failed", { status: "error" as const, text: "I" }],
  ])("isn't what was said %s once a token is all that follows", (_how, first) => {
    const answer = new SpokenAnswer();
    expect(answer.heard(first)).toBe(true);
    expect(answer.text).toBe(first.text);
    expect(answer.heard(said("NO_REPLY"))).toBe(true);
    expect(answer.text).toBe("NO_REPLY");
  });
});

it("a text is silent when it is one of the tokens and nothing else", () => {
  expect(["NO_REPLY", "ANNOUNCE_SKIP", " NO_REPLY\n"].every(isSilent)).toBe(true);
  expect(["", "no_reply", "NO_REPLY.", "ANNOUNCE_SKIP NO_REPLY", "REPLY_SKIP"].some(isSilent)).toBe(false);
});
