import { linkSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { readAgentsMd } from "../../src/worker/agents-md.ts";
import { tempFolder } from "../helpers/runtime-fixture.ts";

describe("the workspace's AGENTS.md", () => {
  it("is read when it is a plain file, and undefined when there is none", async () => {
    const dir = tempFolder();
    expect(await readAgentsMd(dir)).toBeUndefined();
    writeFileSync(join(dir, "AGENTS.md"), "Use tabs. Grüße.");
    expect(await readAgentsMd(dir)).toEqual({ text: "Use tabs. Grüße.", cut: false });
    expect(await readAgentsMd(join(dir, "no", "such", "folder"))).toBeUndefined();
  });

  it("is cut at 20,000 bytes, never inside a character", async () => {
    const dir = tempFolder();
    writeFileSync(join(dir, "AGENTS.md"), `x${"é".repeat(20_000)}`);
    const { text, cut } = (await readAgentsMd(dir))!;
    expect({ bytes: Buffer.byteLength(text), cut }).toEqual({ bytes: 19_999, cut: true });
    expect(text).toMatch(/^xé+$/);
  });

  it("is left out when it is a symbolic link, though what it links to is harmless", async () => {
    const [dir, outside] = [tempFolder(), tempFolder()];
    writeFileSync(join(outside, "secret.txt"), "secret");
    symlinkSync(join(outside, "secret.txt"), join(dir, "AGENTS.md"));
    expect(await readAgentsMd(dir)).toBeUndefined();
  });

  it("is left out when it is a second name of a file that may lie outside", async () => {
    const [dir, outside] = [tempFolder(), tempFolder()];
    writeFileSync(join(outside, "secret.txt"), "secret");
    linkSync(join(outside, "secret.txt"), join(dir, "AGENTS.md"));
    expect(await readAgentsMd(dir)).toBeUndefined();
  });

  it("is left out when it is a folder", async () => {
    const dir = tempFolder();
    mkdirSync(join(dir, "AGENTS.md"));
    expect(await readAgentsMd(dir)).toBeUndefined();
  });
});
