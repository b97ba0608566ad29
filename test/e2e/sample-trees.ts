/** Two small projects in different languages, and what is true of a tree, found out without this package. */

import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";

export function writeTree(dir: string, files: Record<string, string>): void {
  for (const [path, text] of Object.entries(files)) {
    const file = join(dir, ...path.split("/"));
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
}

export const TYPESCRIPT_TREE: Record<string, string> = {
  "package.json": '{ "name": "kiln" }\n',
  "README.md": "# Kiln\n\nFires pots.\n",
  "docs/firing.md": "# Firing\n\nHow hot, and how long.\n",
  "src/index.ts": `/** Everything that a potter may call. */\n${lines("export const pot", 11)}`,
  "src/glaze/recipes.ts": `/** Recipes of glazes by the metal in them. */\n${lines("export const recipe", 211)}`,
  "src/glaze/mix.ts": `// Mixes two glazes.\n${lines("export const mix", 37)}`,
  "src/oven/curve.ts": `/** The oven's temperature over time. */\n${lines("export const degree", 96)}`,
  "src/oven/door.ts": `/** Opens and shuts. */\n${lines("export const hinge", 54)}`,
  "test/curve.test.ts": [
    'describe("the curve", () => {',
    '  it("never falls faster than the clay bears", () => {});',
    '  it("ends cold", () => {});',
    "});",
    "",
  ].join("\n"),
  "test/recipes.test.ts": 'it("holds no lead", () => {});\n',
  "node_modules/wheel/index.js": lines("exports.spoke", 999),
};

export const PYTHON_TREE: Record<string, string> = {
  "pyproject.toml": '[project]\nname = "tides"\n',
  "tides/__init__.py": `"""Heights of the tide at any harbour."""\n${lines("level", 7)}`,
  "tides/moon.py": `"""Where the moon stands."""\n${lines("phase", 143)}`,
  "tides/harbours/north.py": `# Harbours of the north coast.\n${lines("pier", 61)}`,
  "scripts/fetch.py": `"""Fetches the gauges' readings."""\n${lines("gauge", 29)}`,
  "scripts/tables.py": lines("row", 17),
  "data/2024.csv": "harbour,height\nemden,3\n",
  "tests/test_moon.py": ["def test_full_moon_is_spring_tide():", "    pass", "", ""].join("\n"),
  "tests/test_harbours.py": ["def test_every_harbour_has_a_pier():", "    pass", "", ""].join("\n"),
  "tests/deep/test_gauges.py": ["def test_a_lost_gauge_is_left_out():", "    pass", "", ""].join("\n"),
};

export type TreeFacts = {
  /** Top-level folders with the number of files below each. */
  folders: Map<string, number>;
  filesAtTop: number;
  files: number;
  /** Source files, longest first. */
  longest: { path: string; lines: number }[];
  testFiles: number;
  tests: number;
  titles: string[];
};

export function factsOf(dir: string): TreeFacts {
  const files = readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(dir, join(entry.parentPath, entry.name)).split(sep).join("/"))
    .filter((path) => !path.startsWith("node_modules/"));
  const read = (path: string) => readFileSync(join(dir, path), "utf8");
  const folders = new Map<string, number>();
  for (const path of files) {
    const [top = "", below] = path.split("/");
    if (below !== undefined) folders.set(top, (folders.get(top) ?? 0) + 1);
  }
  const sources = files.filter((path) => /\.(ts|py)$/.test(path));
  const tests = sources.filter((path) => /\.test\.ts$|\/test_\w+\.py$/.test(path));
  const titles = tests.flatMap((path) => [...read(path).matchAll(/^\s*it\("([^"]+)"|^def (test_\w+)/gm)]);
  return {
    folders,
    filesAtTop: files.filter((path) => !path.includes("/")).length,
    files: files.length,
    longest: sources
      .map((path) => ({ path, lines: read(path).split("\n").length - 1 }))
      .sort((a, b) => b.lines - a.lines),
    testFiles: tests.length,
    tests: titles.length,
    titles: titles.map(([, title, name]) => title ?? name ?? ""),
  };
}

function lines(word: string, count: number): string {
  return Array.from({ length: count }, (_, n) => `${word}${n} = ${n}\n`).join("");
}
