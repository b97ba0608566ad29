import { once } from "node:events";
import { PassThrough, Writable } from "node:stream";
import { describe, expect, it } from "vitest";
import { jsonLines } from "../../../src/adapters/cli/json-lines.ts";
import { createShow, showMode, type ShowStream } from "../../../src/adapters/cli/show.ts";
import { applyEvent, endMain } from "../../../src/adapters/cli/view-state.ts";
import { accepted, event, freshView, settled, START } from "./view.fixture.ts";

describe("lines of JSON", () => {
  it("are one value a line, with line breaks and separators inside escaped", async () => {
    const stream = new PassThrough();
    await jsonLines(stream)({ text: "a\nb\u001b[31m" });
    expect(String(stream.read())).toBe('{"text":"a\\nb\\u001b[31m"}\n');
  });

  it("wait for a slow reader", async () => {
    const stream = new PassThrough({ highWaterMark: 4 });
    let written = false;
    const writing = jsonLines(stream)({ text: "longer than four bytes" }).then(() => (written = true));
    await new Promise(setImmediate);
    expect(written).toBe(false);
    stream.resume();
    await writing;
  });

  it("don't wait for a reader that left", async () => {
    const stream = new Writable({ highWaterMark: 1, write: (_chunk, _encoding, done) => done(new Error("EPIPE")) });
    const failed = once(stream, "error").catch((error: unknown) => error);
    stream.on("error", () => undefined);
    const write = jsonLines(stream);
    await write({ n: 1 });
    await write({ n: 2 });
    await failed;
  });
});

describe("the show", () => {
  const terminal = { quiet: false, json: false, stdoutIsTerminal: true, stderrIsTerminal: true, env: {} };

  it.each([
    ["a tree on a terminal", {}, "tree"],
    ["plain lines in a pipe", { stderrIsTerminal: false }, "plain"],
    ["plain lines on a dumb terminal", { env: { TERM: "dumb" } }, "plain"],
    ["warnings when quiet", { quiet: true }, "warnings"],
    ["warnings when JSON goes to the same terminal", { json: true }, "warnings"],
    ["a tree when JSON goes elsewhere", { json: true, stdoutIsTerminal: false }, "tree"],
    ["plain lines beside piped JSON", { json: true, stderrIsTerminal: false }, "plain"],
  ])("is %s", (_, change, mode) => {
    expect(showMode({ ...terminal, ...change })).toBe(mode);
  });

  it("leaves a whole last frame behind, without colours when NO_COLOR is set", () => {
    const { stream, text } = capture({ isTTY: true, columns: 80, rows: 4 });
    const view = freshView();
    const show = createShow("tree", view, stream, { NO_COLOR: "1" });
    for (let n = 0; n < 9; n++) {
      for (const each of [event(`r${n}`, 0, accepted(`run ${n}`)), event(`r${n}`, 1, settled("ok", 5))]) {
        applyEvent(view, each);
        show.event(each);
      }
    }
    endMain(view, { outcome: { status: "ok" }, at: START });
    show.end();
    const last = text().slice(text().lastIndexOf("demo/scripted · "));
    for (let n = 0; n < 9; n++) expect(last).toContain(`run ${n}`);
    expect(last).toContain("9 subagents: 9 done");
    expect(text()).not.toMatch(/\u001b\[[0-9;]*m/u);
  });

  it("writes no control code without a terminal", () => {
    const { stream, text } = capture({});
    const view = freshView();
    const show = createShow("plain", view, stream, {});
    const first = event("a", 0, accepted("x\u001b[2J"));
    applyEvent(view, first);
    show.event(first);
    show.warn("careful\u001b[2J");
    endMain(view, { outcome: { status: "ok" }, at: START });
    show.end();
    expect(text().split("\n")).toHaveLength(5);
    expect(text()).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/u);
  });

  it("breaks its silence only for warnings when quiet", () => {
    const { stream, text } = capture({ isTTY: true });
    const view = freshView();
    const show = createShow("warnings", view, stream, {});
    for (const each of [event("a", 0, accepted("x")), event("a", 1, { type: "undelivered", reason: "gone" })]) {
      applyEvent(view, each);
      show.event(each);
    }
    show.end();
    expect(text()).toBe("warning: [1.0s] x: result could not be delivered: gone\n");
  });
});

function capture(looks: { isTTY?: boolean; columns?: number; rows?: number }): {
  stream: ShowStream;
  text: () => string;
} {
  const chunks: string[] = [];
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      chunks.push(chunk.toString());
      done();
    },
  });
  return { stream: Object.assign(stream, looks), text: () => chunks.join("") };
}
