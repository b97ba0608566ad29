import { linkSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { readBootstrapFiles, type BootstrapFile } from "../../src/worker/bootstrap-files.ts";
import { tempFolder } from "../helpers/runtime-fixture.ts";

describe("a bootstrap file of the workspace", () => {
  it("is read when it is a plain file, and left out when there is none", async () => {
    const dir = tempFolder();
    expect(await read(dir)).toEqual([]);
    writeFileSync(join(dir, "AGENTS.md"), "Use tabs. Grüße.");
    expect(await read(dir)).toEqual([{ name: "AGENTS.md", text: "Use tabs. Grüße.", cut: false }]);
    expect(await read(join(dir, "no", "such", "folder"))).toEqual([]);
  });

  it("is cut at 20,000 bytes, never inside a character", async () => {
    const dir = tempFolder();
    writeFileSync(join(dir, "AGENTS.md"), `x${"é".repeat(20_000)}`);
    const [{ text, cut }] = (await read(dir)) as [BootstrapFile];
    expect({ bytes: Buffer.byteLength(text), cut }).toEqual({ bytes: 19_999, cut: true });
    expect(text).toMatch(/^xé+$/);
  });

  it("is left out when it is a symbolic link, though what it links to is harmless", async () => {
    const [dir, outside] = [tempFolder(), tempFolder()];
    writeFileSync(join(outside, "secret.txt"), "secret");
    symlinkSync(join(outside, "secret.txt"), join(dir, "AGENTS.md"));
    expect(await read(dir)).toEqual([]);
  });

  it("is left out when it is a second name of a file that may lie outside", async () => {
    const [dir, outside] = [tempFolder(), tempFolder()];
    writeFileSync(join(outside, "secret.txt"), "secret");
    linkSync(join(outside, "secret.txt"), join(dir, "AGENTS.md"));
    expect(await read(dir)).toEqual([]);
  });

  it("is one of those that are asked for, in their order", async () => {
    const dir = tempFolder();
    for (const name of ["AGENTS.md", "TOOLS.md", "SOUL.md"]) writeFileSync(join(dir, name), `of ${name}`);
    const files = await readBootstrapFiles(dir, ["TOOLS.md", "NONE.md", "AGENTS.md"]);
    expect(files.map(({ text }) => text)).toEqual(["of TOOLS.md", "of AGENTS.md"]);
  });

  it("is left out when it is a folder", async () => {
    const dir = tempFolder();
    mkdirSync(join(dir, "AGENTS.md"));
    expect(await read(dir)).toEqual([]);
  });
});

function read(folder: string): Promise<BootstrapFile[]> {
  return readBootstrapFiles(folder, ["AGENTS.md"]);
}
