import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";

import { anchorsIn, readDoc, relativeLinksIn, ROOT } from "./markdown.ts";

describe.each(["README.md", "CHANGELOG.md", "benchmarks/README.md"])("%s", (doc) => {
  it("links only to files and headings that are there", () => {
    expect(relativeLinksIn(readDoc(doc)).filter((link) => !leadsSomewhere(doc, link))).toEqual([]);
  });
});

describe("the links of a Markdown file", () => {
  it("are those that lead into the repository, code left out", () => {
    const text = '[a](b/c.md) ![d](e.png "f") [g](https://h.example) `[i](j)` [k](#l-m)\n```\n[n](o)\n```\n[p]: q.md\n';
    expect(relativeLinksIn(text)).toEqual(["b/c.md", "e.png", "#l-m", "q.md"]);
  });

  it("may end in a heading's anchor", () => {
    expect(anchorsIn("# One `two`, three\n```sh\n# no heading\n```\n## State & co\n")).toEqual([
      "one-two-three",
      "state--co",
    ]);
  });
});

function leadsSomewhere(doc: string, link: string): boolean {
  const [path = "", anchor] = decodeURIComponent(link).split("#");
  const target = path === "" ? doc : join(dirname(doc), path);
  if (!existsSync(join(ROOT, target))) return false;
  return anchor === undefined || !target.endsWith(".md") || anchorsIn(readDoc(target)).includes(anchor);
}
