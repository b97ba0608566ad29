import { expect, it } from "vitest";

import { leadingSentence } from "../../../../src/worker/engines/demo/leading-comment.ts";

it.each([
  ["a.ts", "/** One thing. Another thing. */\nconst a = 1;", "One thing."],
  [
    "a.ts",
    "// Copyright 2020 Somebody\n// All rights reserved.\n\n/*\n * Keeps the books,\n * and burns them! Daily.\n */",
    "Keeps the books, and burns them!",
  ],
  ["a.ts", '"use strict";\n/* eslint-disable */\n// Counts to e.g. three\nfoo();', "Counts to e.g. three"],
  ["a.ts", "/**\n * What it does.\n *\n * More.\n */", "What it does."],
  ["a.ts", "/**\n * What it does\n * @module a\n */", "What it does"],
  [
    "a.py",
    '#!/usr/bin/env python3\n# -*- coding: utf-8 -*-\n"""Tides of the\nsea. More."""\nimport os',
    "Tides of the sea.",
  ],
  ["a.py", "# -----------\n# Low level winds.\n# -----------\nimport os", "Low level winds."],
  ["a.py", '"""\\\nThe public face."""\n', "The public face."],
  ["README.md", "# T\n\n> A quote of sorts.\n\n- one item here\n\nThe words at last.\n", "The words at last."],
  ["a.py", "# Winds over land\nimport os", "Winds over land"],
  ["a.go", "// Package tide tells tides.\npackage tide", "Package tide tells tides."],
  ["a.rs", "//! Reads the log.\n\nuse std::fs;", "Reads the log."],
  ["a.lua", "-- Draws the map\nlocal x = 1", "Draws the map"],
  ["README.md", "# Title\n\n![badge](x)\n\nA shop for bikes. It sells.\n", "A shop for bikes."],
  ["README.md", "---\ntitle: x y\n---\nThe guide to all.\n", "The guide to all."],
  ["a.ts", `// ${"word ".repeat(100)}`, `${"word ".repeat(36).trim()}…`],
])("the first sentence of %s %j is %j", (path, text, sentence) => {
  expect(leadingSentence(path, text)).toBe(sentence);
});

it.each([
  ["a.ts", 'import "b";\n// Not at the beginning'],
  ["a.ts", ""],
  ["a.c", "#include <stdio.h>\n"],
  ["a.ts", "// ------------\nconst a = 1;"],
  ["README.md", "# Only a title\n"],
])("%s %j says nothing about itself", (path, text) => {
  expect(leadingSentence(path, text)).toBeUndefined();
});

it.each([
  ["a.ts", `/*${" *".repeat(500_000)}`],
  ["a.ts", `// x${" a1".repeat(500_000)}`],
  ["a.ts", `// x\n${" ".repeat(500_000)}x`],
  ["a.md", "=".repeat(500_000)],
])("comes to an end over %s made to keep it busy", (path, text) => {
  expect(leadingSentence(path, text)).toBeUndefined();
});
