import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { pino } from "pino";
import { afterEach, describe, expect, it } from "vitest";
import type { LogLine } from "../src/channel/protocol.ts";
import { createLogger, writeThreadLines, type Logger } from "../src/log.ts";

const folders: string[] = [];
afterEach(() => folders.splice(0).forEach((folder) => rmSync(folder, { recursive: true, force: true })));

describe("createLogger", () => {
  it("writes nothing unless it is told where to", () => {
    const logger = createLogger();
    expect(logger.child({ runId: "r" })).toBe(logger);
    expect(() => logger.error({}, "unheard")).not.toThrow();
  });

  it("writes one JSON object a line, with the fields of the child", () => {
    const { lines, logger } = memoryLogger();
    const before = Date.now();
    logger.child({ runId: "r1" }).warn({ ms: 3 }, "slow, 100% busy: %d");
    expect(lines()).toEqual([
      {
        level: 40,
        time: expect.any(Number) as number,
        pid: process.pid,
        runId: "r1",
        ms: 3,
        msg: "slow, 100% busy: %d",
      },
    ]);
    expect(lines()[0]!["time"]).toBeGreaterThanOrEqual(before);
  });

  it("leaves out what is below its level", () => {
    const { lines, logger } = memoryLogger({ level: "warn" });
    logger.debug({}, "a");
    logger.info({}, "b");
    logger.error({}, "c");
    expect(lines().map((line) => line["msg"])).toEqual(["c"]);
  });

  it("appends to a file whose folder it makes, before the call returns", () => {
    const folder = mkdtempSync(join(tmpdir(), "inprocess-log-"));
    folders.push(folder);
    const file = join(folder, "logs", "gateway.log");
    createLogger({ destination: file }).info({ runId: "r1" }, "one");
    createLogger({ destination: file }).info({}, "two");
    expect(
      readFileSync(file, "utf8")
        .trimEnd()
        .split("\n")
        .map((line) => (JSON.parse(line) as Line)["msg"]),
    ).toEqual(["one", "two"]);
  });

  it("hides keys in messages, fields, children and errors", () => {
    const { text, logger } = memoryLogger({ secrets: ["correct horse"] });
    logger
      .child({ headers: { authorization: "abc-child" } })
      .error(
        { err: new Error("401 for sk-ant-abcdefgh"), apiKey: "abc-field" },
        "the correct horse sent Bearer abc-message",
      );
    for (const secret of ["abc-child", "sk-ant-abcdefgh", "abc-field", "correct horse", "abc-message"]) {
      expect(text()).not.toContain(secret);
    }
    expect(text()).toContain("401 for ***");
  });

  it("lets no known secret into a line, wherever it stands", () => {
    const secret = fc.string({ minLength: 8, maxLength: 40 }).filter((s) => !/^["\s:{},]+$/.test(s));
    fc.assert(
      fc.property(secret, fc.dictionary(fc.string(), fc.jsonValue()), fc.string(), (hidden, fields, around) => {
        const { text, logger } = memoryLogger({ secrets: [hidden] });
        logger
          .child({ child: hidden })
          .info({ ...fields, [hidden]: around, list: [{ hidden }] }, around + hidden + around);
        expect(text()).not.toContain(JSON.stringify(hidden).slice(1, -1));
      }),
    );
  });

  it("hides a secret that becomes known after the logger was made", () => {
    const secrets: string[] = [];
    const { text, logger } = memoryLogger({ secrets });
    secrets.push("learnt-later");
    logger.info({ text: "learnt-later" }, "learnt-later");
    expect(text()).not.toContain("learnt-later");
  });
});

describe("writeThreadLines", () => {
  it("keeps the level, the time and the fields of each line and adds those of the run", () => {
    const { lines, logger } = memoryLogger({ level: "debug" });
    const batch: LogLine[] = [
      { level: "debug", msg: "first", time: 1000 },
      { level: "error", msg: "second", time: 2000, fields: { tool: "read", runId: "forged" } },
    ];
    writeThreadLines(logger, batch, { runId: "r1" });
    expect(lines()).toEqual([
      { level: 20, time: 1000, pid: process.pid, runId: "r1", msg: "first" },
      { level: 50, time: 2000, pid: process.pid, runId: "r1", tool: "read", msg: "second" },
    ]);
  });

  it("takes a pino logger as it is", () => {
    const written: string[] = [];
    const logger: Logger = pino({ base: null }, { write: (line: string) => void written.push(line) });
    writeThreadLines(logger, [{ level: "info", msg: "hello", time: 5 }], { runId: "r1" });
    expect(written.join("")).toContain('"runId":"r1"');
  });
});

type Line = Record<string, unknown>;

function memoryLogger(options: Parameters<typeof createLogger>[0] = {}): {
  logger: Logger;
  text: () => string;
  lines: () => Line[];
} {
  const written: string[] = [];
  const logger = createLogger({ ...options, destination: { write: (line: string) => void written.push(line) } });
  const text = (): string => written.join("");
  return {
    logger,
    text,
    lines: () =>
      text()
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line) as Line),
  };
}
