import { Readable } from "node:stream";
import { describe, expect, it } from "vitest";
import { taskFromStdin, taskFromWords } from "../../../src/adapters/cli/read-task.ts";

const MIB = 1_048_576;

describe("the task", () => {
  it("is the words on the command line, joined", () => {
    expect(taskFromWords(["count", "the", "files"])).toBe("count the files");
    expect(taskFromWords(["  count the files\n"])).toBe("count the files");
  });

  it("stands on standard input when the only word is a dash", () => {
    expect(taskFromWords(["-"])).toBeUndefined();
    expect(taskFromWords(["-", "x"])).toBe("- x");
  });

  it.each([[[]], [[""]], [["  \n\t "]], [["\uFEFF"]]])("is refused when there is nothing in %j", (words: string[]) => {
    expect(() => taskFromWords(words)).toThrow(expect.objectContaining({ code: "task_invalid" }));
  });

  it("may be a whole MiB and not a byte more", async () => {
    expect(taskFromWords(["x".repeat(MIB)])).toHaveLength(MIB);
    expect(() => taskFromWords(["é".repeat(MIB / 2) + "x"])).toThrow(/1 MiB/u);
    expect(await taskFromStdin(Readable.from([Buffer.alloc(MIB, "x")]))).toHaveLength(MIB);
    await expect(taskFromStdin(Readable.from([Buffer.alloc(MIB, "x"), "y"]))).rejects.toThrow(/more than 1 MiB/u);
  });

  it("stops reading standard input at the first byte too many", async () => {
    let read = 0;
    async function* much() {
      while (read < 64 * MIB) {
        read += 65_536;
        yield Buffer.alloc(65_536, "x");
      }
    }
    await expect(taskFromStdin(much())).rejects.toMatchObject({ code: "task_invalid" });
    expect(read).toBe(MIB + 65_536);
  });

  it("is put together right when a character is split between two reads", async () => {
    const bytes = Buffer.from("zähle die Dateien");
    expect(await taskFromStdin(Readable.from([bytes.subarray(0, 2), bytes.subarray(2)]))).toBe("zähle die Dateien");
  });

  it("is refused when standard input is empty or can't be read", async () => {
    await expect(taskFromStdin(Readable.from([]))).rejects.toMatchObject({ code: "task_invalid" });
    const broken = new Readable({ read: () => broken.destroy(new Error("EISDIR")) });
    await expect(taskFromStdin(broken)).rejects.toThrow(/standard input/u);
  });
});
