import { chmodSync, readdirSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { codeOf, createHarness, textOf } from "./harness.ts";

describe("write", () => {
  it("makes a file and the folders above it, and reports the bytes", async () => {
    const harness = createHarness();
    const output = await harness.call("write", { path: "a/b/ü.txt", content: "größe" });
    expect(textOf(output)).toBe("Made a/b/ü.txt: 7 bytes written.");
    expect(output.details).toEqual({ path: "a/b/ü.txt", bytes: 7, created: true });
    expect(readFileSync(path.join(harness.workspace, "a/b/ü.txt"), "utf8")).toBe("größe");
  });

  it("replaces a file in one step and leaves nothing else behind", async () => {
    const harness = createHarness({ "a.txt": "old" });
    const before = statSync(path.join(harness.workspace, "a.txt")).ino;
    expect(await harness.text("write", { path: "a.txt", content: "new" })).toBe("Replaced a.txt: 3 bytes written.");
    expect(readFileSync(path.join(harness.workspace, "a.txt"), "utf8")).toBe("new");
    expect(readdirSync(harness.workspace)).toEqual(["a.txt"]);
    // A new inode shows that the file was renamed into place, not written over.
    expect(statSync(path.join(harness.workspace, "a.txt")).ino).not.toBe(before);
  });

  it.skipIf(process.platform === "win32")(
    "gives new files the user's usual mode and keeps that of others",
    async () => {
      const harness = createHarness({ "run.sh": "old" });
      chmodSync(path.join(harness.workspace, "run.sh"), 0o755);
      await harness.text("write", { path: "run.sh", content: "new" });
      await harness.text("write", { path: "new.txt", content: "new" });
      expect(statSync(path.join(harness.workspace, "run.sh")).mode & 0o777).toBe(0o755);
      expect(statSync(path.join(harness.workspace, "new.txt")).mode & 0o777).toBe(0o666 & ~process.umask());
    },
  );

  it("refuses more than 5 MB and leaves the file as it was", async () => {
    const harness = createHarness({ "a.txt": "old" });
    const output = await harness.call("write", { path: "a.txt", content: "é".repeat(2_700_000) });
    expect(codeOf(output)).toBe("payload_too_large");
    expect(textOf(output)).toContain("5400000 bytes");
    expect(readFileSync(path.join(harness.workspace, "a.txt"), "utf8")).toBe("old");
  });

  it("says what is wrong with a path that is a folder, or below a file", async () => {
    const harness = createHarness({ "sub/a.txt": "a" });
    expect(textOf(await harness.call("write", { path: "sub", content: "x" }))).toContain("sub is a folder");
    expect(textOf(await harness.call("write", { path: "sub/a.txt/b", content: "x" }))).toContain(
      "as if it were a folder",
    );
    expect((await harness.call("write", { path: "", content: "x" })).isError).toBe(true);
    expect((await harness.call("write", { path: "x".repeat(300), content: "x" })).isError).toBe(true);
    expect(readFileSync(path.join(harness.workspace, "sub/a.txt"), "utf8")).toBe("a");
  });
});
