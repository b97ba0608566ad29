import { mkdirSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, it } from "vitest";

import { asChild, job, turn } from "./run-demo.ts";
import { JOBS } from "../../../../src/worker/engines/demo/jobs.ts";
import { fsTools } from "./fs-tools.ts";
import { lineCounts, lines, makeTree, PYTHON_TREE, TYPESCRIPT_TREE } from "./trees.ts";

describe("the longest files", () => {
  it.each([
    ["a TypeScript tree", TYPESCRIPT_TREE, /\.ts$/],
    ["a Python tree", PYTHON_TREE, /\.py$/],
  ])("are those of %s, with the counts the files really have", async (_name, files, source) => {
    const root = makeTree(files);
    const { answer, calls } = await job("longest-files", root);
    const counted = [...lineCounts(root)].filter(([path]) => !path.startsWith("node_modules/"));
    const code = counted.filter(([path]) => source.test(path));
    const longest = code.sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1)).slice(0, 5);
    expect(answerLines(answer, /^\d+\. /)).toEqual(
      longest.map(([path, count], n) => `${n + 1}. ${path}: ${unit(count, "line")}`),
    );
    expect(answer).toContain(`${counted.length} files seen, ${code.length} of them source files, all measured.`);
    expect(calls.filter((name) => name === "read")).toHaveLength(code.length);
  });

  it("follow what the tool says, not what the files are", async () => {
    const root = makeTree(TYPESCRIPT_TREE);
    const { answer } = await job("longest-files", root, (tool, args, text) =>
      tool === "read" && args.path === "src/pay/invoice.ts" ? "first\n[lines 1-1 of 4321]" : text,
    );
    expect(answer).toContain("1. src/pay/invoice.ts: 4321 lines");
  });

  it("don't count what the tool didn't, and no line it added", async () => {
    const root = makeTree({ "src/big.js": lines(3), "src/wide.js": "x".repeat(60) });
    const { answer } = await job("longest-files", root, (tool, args, text) => {
      if (tool !== "read") return text;
      if (args.path === "src/big.js") return "first\n[go on with offset=2]\n[lines 1-1 of more than 1]";
      return "xxx\n[line 1 is too long: 57 bytes of it are left out]";
    });
    expect(answerLines(answer, /^\d+\. /)).toEqual(["1. src/wide.js: 1 line"]);
    expect(answer).toContain("Could not be measured: src/big.js: too large for its lines to be counted.");
  });

  it("tell the files that can't be measured, with the tool's reason", async () => {
    const root = makeTree(TYPESCRIPT_TREE);
    const { answer } = await job("longest-files", root, (tool, args, text) => {
      if (tool === "read" && args.path === "src/cart/cart.ts") throw new Error("the cat sat on it.");
      return text;
    });
    expect(answer).toContain("6 of 7 measured");
    expect(answer).toContain("Could not be measured: src/cart/cart.ts: the cat sat on it.");
    expect(answer).toContain("1. src/pay/card.ts: 77 lines");
  });

  it("are measured up to a limit that is told", async () => {
    const root = makeTree(Object.fromEntries(Array.from({ length: 610 }, (_, n) => [`src/f${n}.ts`, lines(2)])));
    expect((await job("longest-files", root)).answer).toContain(
      "610 files seen, 610 of them source files, 600 of 610 measured",
    );
  });

  it("are the longest texts where there is no code", async () => {
    const root = makeTree({ "notes/a.md": "one\ntwo\nthree\n", "notes/b.md": "one", "notes/c.png": "\u0000" });
    const { answer } = await job("longest-files", root);
    expect(answer).toContain("3 files seen, none of them source files, so 2 text files stand in");
    expect(answerLines(answer, /^\d+\. /)).toEqual(["1. notes/a.md: 3 lines", "2. notes/b.md: 1 line"]);
  });
});

describe("the folders", () => {
  it("are told in the first sentence of a file in them, or by their contents", async () => {
    const { answer, calls } = await job("folders", makeTree(TYPESCRIPT_TREE));
    expect(answer.split("\n")).toEqual([
      "3 folders and 2 files at the top, 10 files in all:",
      '- docs/ (1 file): "How to sell a bicycle." (guide.md)',
      '- src/ (5 files): "The public face of the shop." (index.ts)',
      '  - src/cart/ (2 files): "What a visitor wants to buy, and what it costs." (cart.ts)',
      "  - src/pay/ (2 files): holds card.ts, invoice.ts",
      "- test/ (2 files): holds cart/, helpers/",
      "",
      "Not looked into: node_modules/.",
    ]);
    expect(new Set(calls)).toEqual(new Set(["list", "find", "read"]));
  });

  it("of another tree are told as truly", async () => {
    const { answer } = await job("folders", makeTree(PYTHON_TREE));
    expect(answer.split("\n")).toEqual([
      "2 folders and 1 file at the top, 5 files in all:",
      "- tests/ (1 file): holds test_model.py",
      '- weather/ (3 files): "Forecasts for small islands." (__init__.py)',
      "  - weather/data/ (1 file): holds load.py",
    ]);
  });

  it("change with what the tool returns", async () => {
    const { answer } = await job("folders", makeTree(TYPESCRIPT_TREE), (tool, args, text) =>
      tool === "read" && args.path === "src/index.ts" ? "// Sells boats now." : text,
    );
    expect(answer).toContain('- src/ (5 files): "Sells boats now." (index.ts)');
  });

  it("of a large tree are searched one by one, and those that can't be are told with the reason", async () => {
    const { answer, calls } = await job("folders", makeTree(TYPESCRIPT_TREE), (tool, args, text) => {
      if (tool === "find" && args.pattern === "**/*") return "README.md\n[1 of 10 files; narrow the pattern]";
      if (tool === "find" && args.pattern === "docs/**/*") throw new Error("no entry");
      return text;
    });
    expect(calls.filter((name) => name === "find")).toHaveLength(4);
    expect(answer).toContain("at least 9 files in all");
    expect(answer).toContain("- docs/: not searched by find; holds guide.md");
    expect(answer).toContain("Could not be listed: docs/: no entry.");
  });

  it("that are empty, or that find passes over, are told apart", async () => {
    const root = makeTree({ "src/a.ts": lines(2), "tmp/left.log": "x" });
    mkdirSync(join(root, "void"));
    const { answer } = await job("folders", root, (tool, _args, text) =>
      tool === "find" ? text.replace("tmp/left.log", "").trim() : text,
    );
    expect(answer).toContain("- tmp/: not searched by find; holds left.log");
    expect(answer).toContain("- void/: no files to be seen");
  });
});

describe("the tests", () => {
  it("are counted by folder, with titles that stand in them", async () => {
    const { answer } = await job("tests", makeTree(TYPESCRIPT_TREE));
    expect(answer.split("\n")).toEqual([
      "1 test file with 2 tests in 1 group, by folder:",
      '- test/cart/: 1 test file, 2 tests, e.g. "adds up", "counts %i twice"',
      "",
      "Not looked into: node_modules/.",
    ]);
  });

  it("are those of test files, not of what else matches", async () => {
    const { answer } = await job(
      "tests",
      makeTree({ "test/a.test.ts": 'it("a")\n', "test/tool.ts": 'it("is no test")\n' }),
    );
    expect(answer).toContain("1 test file with 1 test,");
  });

  it("of another language are counted by theirs", async () => {
    const { answer } = await job(
      "tests",
      makeTree({ ...PYTHON_TREE, "calc_test.go": "func TestAdd(t *testing.T) {}\n" }),
    );
    expect(answer.split("\n")).toEqual([
      "2 test files with 3 tests, by folder:",
      '- (top): 1 test file, 1 test, e.g. "TestAdd"',
      '- tests/: 1 test file, 2 tests, e.g. "test_wind", "test_tide"',
    ]);
  });

  it("change with what the search returns", async () => {
    const { answer } = await job("tests", makeTree(TYPESCRIPT_TREE), (tool, _args, text) =>
      tool === "search" ? 'test/cart/cart.test.ts:7: it("sinks", () => {' : text,
    );
    expect(answer).toContain('1 test, e.g. "sinks"');
  });

  it("are said to be none where there are none", async () => {
    const { answer } = await job("tests", makeTree({ "src/a.ts": lines(3) }));
    expect(answer).toBe(
      "There are no tests to be seen: of 1 file, none is named like a test, and none lies in a test folder.",
    );
  });
});

describe("any job", () => {
  it.each(["folders", "longest-files", "tests"])("answers truly of an empty workspace: %s", async (label) => {
    const { answer } = await job(label, makeTree({}));
    expect(answer).toMatch(/There are no (folders|files|tests)/);
  });

  it.each(["folders", "longest-files", "tests"])("tells why nothing can be seen: %s", async (label) => {
    const { answer, last } = await job(label, makeTree(TYPESCRIPT_TREE), () => {
      throw new Error("the disk is away");
    });
    expect(answer).toContain("the disk is away");
    expect(last.stopReason).toBe("stop");
  });

  it.each(["folders", "longest-files", "tests"])("tells that a tool isn't there: %s", async (label) => {
    const told = await turn(asChild(JOBS.find((candidate) => candidate.label === label)?.opening ?? ""), []);
    expect(told.answer).toMatch(/list not found/i);
  });

  it("takes numbers as lower bounds when a list was cut short", async () => {
    const { answer } = await job("longest-files", makeTree(TYPESCRIPT_TREE), (tool, args, text) =>
      tool === "find" && args.pattern !== "docs/**/*" ? `${text}\n[5 of 70 files; narrow the pattern]` : text,
    );
    expect(answer).toContain("at least 10 files seen");
    expect(answer).toContain("the numbers are lower bounds");
  });

  it("works on folder names that mean something in a glob", async () => {
    const { answer } = await job("longest-files", makeTree({ "[id]/page.ts": lines(8), "xidx/other.ts": lines(4) }));
    expect(answerLines(answer, /^\d+\. /)).toEqual(["1. [id]/page.ts: 8 lines", "2. xidx/other.ts: 4 lines"]);
  });
});

describe("a task that is none of the three", () => {
  it("is answered with what is there", async () => {
    const root = makeTree(TYPESCRIPT_TREE);
    const { answer, calls } = await turn(asChild("Write a poem. Find out what the tests cover."), fsTools(root));
    expect(calls).toEqual(["list"]);
    expect(answer).toContain("4 folders and 2 files at its top");
    for (const name of ["docs/", "node_modules/", "src/", "test/", "README.md", "package.json"])
      expect(answer).toContain(name);
  });

  it("is heard anew in a later turn of the same session", async () => {
    const root = makeTree(TYPESCRIPT_TREE);
    const first = await turn(asChild("Find out what the tests cover."), fsTools(root));
    const second = await turn(
      "Find the longest source files and how many lines they have.",
      fsTools(root),
      first.messages,
    );
    expect(second.answer).toMatch(/^1\. src\/cart\/cart\.ts: 145 lines$/m);
  });
});

function answerLines(answer: string, pattern: RegExp): string[] {
  return answer.split("\n").filter((line) => pattern.test(line));
}

function unit(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
