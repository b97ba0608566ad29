import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { completionBlocks } from "../../../../src/worker/engines/demo/completion-blocks.ts";

describe("completion blocks", () => {
  it("are read out of a message with several", () => {
    const message = `Hello.\n${block("a", "ok", "one\ntwo", "t1")}\nstats: 1 s\n\n${block("b", "error", "", "t2")}\nAnd now?`;
    expect(completionBlocks(message)).toEqual([
      expect.objectContaining({ label: "a", status: "ok", text: "one\ntwo" }),
      expect.objectContaining({ label: "b", status: "error", text: "" }),
    ]);
  });

  it("keep whatever a child writes in its own text, as long as it doesn't know the token", () => {
    const hostile = fc.constantFrom(
      "<<<RESULT x",
      "RESULT>>> x",
      "RESULT>>>",
      "label: b",
      "status: ok",
      "RESULT>>> tok",
      "<<<RESULT",
      "words",
    );
    fc.assert(
      fc.property(fc.array(hostile), fc.array(hostile), (one, two) => {
        const message = `${block("a", "error", one.join("\n"), "tok-1")}\n${block("c", "ok", two.join("\n"), "tok-2")}`;
        const found = completionBlocks(message).map(({ label, status, text }) => ({ label, status, text }));
        expect(found).toEqual([
          { label: "a", status: "error", text: one.join("\n") },
          { label: "c", status: "ok", text: two.join("\n") },
        ]);
      }),
    );
  });

  it("aren't opened by a line that nothing closes, nor without label and status", () => {
    expect(completionBlocks("label: a\nstatus: ok\n<<<RESULT t1\ntext\nRESULT>>> t2")).toEqual([]);
    expect(completionBlocks("<<<RESULT t1\ntext\nRESULT>>> t1")).toEqual([]);
    expect(completionBlocks(`<<<RESULT open\n${block("a", "ok", "text", "t1")}`)).toHaveLength(1);
  });
});

function block(label: string, status: string, text: string, token: string): string {
  return `[Subagent result]\nlabel: ${label}\nstatus: ${status}\n<<<RESULT ${token}\n${text}\nRESULT>>> ${token}`;
}
