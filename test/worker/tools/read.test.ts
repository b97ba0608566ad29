import path from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { LineWindow } from "../../../src/worker/tools/line-window.ts";
import { codeOf, createHarness, textOf } from "./harness.ts";

const numbered = (count: number): string => Array.from({ length: count }, (_, at) => `line ${at + 1}\n`).join("");

describe("read", () => {
  it("gives a small file whole, with its size in the details", async () => {
    const harness = createHarness({ "a.txt": "one\ntwo\n" });
    const output = await harness.call("read", { path: "a.txt" });
    expect(output).toEqual({
      content: [{ type: "text", text: "one\ntwo" }],
      details: { path: "a.txt", bytes: 8, lines: 2, from: 1, to: 2 },
    });
  });

  it("gives 2000 lines of a longer file, says how to go on, and ends with which lines of how many", async () => {
    const harness = createHarness({ "long.txt": numbered(4321) });
    const text = await harness.text("read", { path: "long.txt" });
    expect(text.startsWith("line 1\nline 2\n")).toBe(true);
    expect(text.endsWith("\nline 2000\n[go on with offset=2001]\n[lines 1-2000 of 4321]")).toBe(true);
  });

  it("gives the lines that were asked for", async () => {
    const harness = createHarness({ "long.txt": numbered(480) });
    const text = await harness.text("read", { path: "long.txt", offset: 100, limit: 2 });
    expect(text).toBe("line 100\nline 101\n[go on with offset=102]\n[lines 100-101 of 480]");
    const end = await harness.text("read", { path: "long.txt", offset: 480 });
    expect(end).toBe("line 480\n[lines 480-480 of 480]");
  });

  it("reads on page by page until every line was given once", async () => {
    const content = Array.from({ length: 3000 }, (_, at) => `${at} ${"x".repeat((at * 37) % 90)}`).join("\n");
    const harness = createHarness({ "pages.txt": content });
    const lines: string[] = [];
    for (let offset = 1; offset <= 3000;) {
      const page = (await harness.text("read", { path: "pages.txt", offset })).split("\n");
      const shown = page.filter((line) => !line.startsWith("["));
      lines.push(...shown);
      offset += shown.length;
    }
    expect(lines.join("\n")).toBe(content);
  });

  it("stays under 50 KB without cutting a line in the middle", async () => {
    const harness = createHarness({ "wide.txt": `${"x".repeat(999)}\n`.repeat(200) });
    const text = await harness.text("read", { path: "wide.txt" });
    expect(text.split("\n").filter((line) => line === "x".repeat(999))).toHaveLength(51);
    expect(text).toMatch(/\[lines 1-51 of 200\]$/);
  });

  it("cuts a single line that is too long at a whole character, and says how much is left out", async () => {
    const harness = createHarness({ "min.js": `a${"é".repeat(100_000)}\nnext\n` });
    const text = await harness.text("read", { path: "min.js" });
    expect(text).toMatch(/^aé+\n\[line 1 is too long: 148801 bytes of it are left out\]\n/);
    expect(text).toMatch(/\n\[go on with offset=2\]\n\[lines 1-1 of 2\]$/);
    expect(await harness.text("read", { path: "min.js", offset: 2 })).toBe("next\n[lines 2-2 of 2]");
  });

  it("says that a file is empty, or that an offset is beyond its end", async () => {
    const harness = createHarness({ "empty.txt": "", "a.txt": "one\n", "blank.txt": "\n" });
    expect(await harness.text("read", { path: "empty.txt" })).toBe("[empty.txt is empty]");
    expect(await harness.text("read", { path: "blank.txt" })).not.toBe("");
    const beyond = await harness.call("read", { path: "a.txt", offset: 9 });
    expect(codeOf(beyond)).toBe("params_invalid");
    expect(textOf(beyond)).toContain("a.txt has 1 line,");
  });

  it("says that a binary file, a folder or a missing file can't be read", async () => {
    const harness = createHarness({ "sub/a.txt": "" });
    harness.write("image.png", Buffer.from([0x89, 0x50, 0x4e, 0x47, 0, 1, 2]));
    expect(textOf(await harness.call("read", { path: "image.png" }))).toContain("binary file of 7 bytes");
    expect(textOf(await harness.call("read", { path: "sub" }))).toContain("folder");
    expect(textOf(await harness.call("read", { path: "sub/nope.txt" }))).toContain("There is no sub/nope.txt");
    expect(textOf(await harness.call("read", { path: "" }))).toContain("folder");
  });

  it("leaves out a byte order mark and carriage returns, keeps unicode names and text", async () => {
    const harness = createHarness({ "größe/日本語 🎉.txt": "\uFEFFä\r\nö\r\n" });
    expect(await harness.text("read", { path: "größe/日本語 🎉.txt" })).toBe("ä\nö");
  });

  it("reads a range of a file of 40 MB without reading all of it", async () => {
    const harness = createHarness();
    harness.write("huge.log", Buffer.from(`${"x".repeat(99)}\n`.repeat(400_000)));
    const output = await harness.call("read", { path: "huge.log", offset: 3, limit: 2 });
    expect(textOf(output)).toMatch(/\n\[go on with offset=5\]\n\[lines 3-4 of more than 4\]$/);
    expect(output.details).toEqual({ path: "huge.log", bytes: 40_000_000, from: 3, to: 4 });
    expect(await harness.text("read", { path: "huge.log", offset: 400_000 })).toMatch(
      /\[lines 400000-400000 of 400000\]$/,
    );
  });

  it("stops when the run is aborted, and lets the loop turn meanwhile", async () => {
    const harness = createHarness();
    harness.write("huge.log", Buffer.alloc(64 * 1024 * 1024, "x\n"));
    const controller = new AbortController();
    const reading = harness.call("read", { path: "huge.log", offset: 30_000_000 }, controller.signal);
    await nextTurn();
    controller.abort();
    expect(textOf(await reading)).toBe("read was stopped before it was done.");
  });

  it("names the file by its path in the workspace", async () => {
    const harness = createHarness({ "sub/a.txt": "x" });
    const output = await harness.call("read", { path: path.join(harness.workspace, "sub", ".", "a.txt") });
    expect(output.details).toMatchObject({ path: "sub/a.txt" });
  });
});

describe("LineWindow", () => {
  it("gives the same whatever pieces the file comes in", () => {
    const bytes = Buffer.from("añb\n\n\r\n長い行です\nlast");
    const whole = windowOver(bytes, bytes.length);
    expect(whole).toEqual({ text: "añb\n\n\n長い行です\nlast", lines: 5 });
    for (let size = 1; size < bytes.length; size += 1) expect(windowOver(bytes, size)).toEqual(whole);
  });
});

function windowOver(bytes: Buffer, size: number): { text: string; lines: number } {
  const window = new LineWindow({ first: 1, maxLines: 100, maxBytes: 1000 });
  for (let at = 0; at < bytes.length; at += size) window.push(Buffer.from(bytes.subarray(at, at + size)));
  window.end();
  return { text: window.text(), lines: window.linesSeen };
}
