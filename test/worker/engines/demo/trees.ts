/** Workspaces to tell the truth about. */

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, sep } from "node:path";

import { onTestFinished } from "vitest";

/** Writes the files into a new folder that goes when the test ends. Keys are `/`-separated paths. */
export function makeTree(files: Record<string, string>): string {
  const root = mkdtempSync(join(tmpdir(), "demo-tree-"));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return root;
}

/** Every file and its number of lines, by the file system itself. */
export function lineCounts(root: string): Map<string, number> {
  const files = readdirSync(root, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return new Map(
    files.map((entry) => {
      const path = join(entry.parentPath, entry.name);
      const text = readFileSync(path, "utf8");
      return [
        path
          .slice(root.length + 1)
          .split(sep)
          .join("/"),
        text === "" ? 0 : text.replace(/\n$/, "").split("\n").length,
      ];
    }),
  );
}

export const lines = (count: number, first = "// Code."): string =>
  [first, ...Array.from({ length: count - 1 }, (_, n) => `const line${n} = ${n};`)].join("\n") + "\n";

export const TYPESCRIPT_TREE: Record<string, string> = {
  "README.md": "# Shop\n\nA shop for bicycles. It sells them.\n",
  "package.json": "{}\n",
  "src/index.ts": lines(12, "/** The public face of the shop. Everything else is inside. */"),
  "src/cart/cart.ts": lines(
    140,
    "// SPDX-License-Identifier: MIT\n\n/**\n * What a visitor wants to buy,\n * and what it costs. More follows.\n */",
  ),
  "src/cart/empty.ts": "",
  "src/pay/card.ts": lines(77, 'import "x";'),
  "src/pay/invoice.ts": lines(30),
  "test/cart/cart.test.ts":
    'describe("a cart", () => {\n  it("adds up", () => {});\n  it.each([1, 2])("counts %i twice", () => {});\n  re.test(x);\n});\n',
  "test/helpers/clock.ts": lines(5, "test(clock);"),
  "docs/guide.md": "# Guide\n\nHow to sell a bicycle. Step by step.\n",
  "node_modules/dep/index.js": lines(999, "/** Not ours. */"),
};

export const PYTHON_TREE: Record<string, string> = {
  "setup.cfg": "[metadata]\n",
  "weather/__init__.py": '"""Forecasts for small islands."""\n',
  "weather/model.py": lines(64, "#!/usr/bin/env python3\n# Winds and tides, hour by hour."),
  "weather/data/load.py": lines(9, "import os"),
  "tests/test_model.py": "def test_wind():\n    pass\n\nasync def test_tide():\n    pass\n",
};
