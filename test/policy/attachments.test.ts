import { basename, dirname, join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { parseConfig } from "../../src/config.ts";
import { checkAttachments } from "../../src/policy/attachments.ts";
import { isRefusal, planSpawn } from "../../src/policy/spawn-policy.ts";
import type { Attachment } from "../../src/types.ts";

const LIMITS = { enabled: true, maxTotalBytes: 1_000, maxFiles: 3, maxFileBytes: 400, retainOnSessionKeep: false };

describe("files that come with a spawn", () => {
  it("are taken as they are, in their order, names without the spaces around them", () => {
    const files = [
      { name: " notes.md ", content: "Grüße 😀" },
      { name: "Überschrift.txt", content: "", encoding: "utf8" as const, mimeType: "text/plain" },
      { name: "..data", content: "AAEC\r\n /w==", encoding: "base64" as const },
    ];
    expect(check(files)).toEqual([
      { name: "notes.md", content: "Grüße 😀", encoding: "utf8", bytes: 12 },
      { name: "Überschrift.txt", content: "", encoding: "utf8", bytes: 0 },
      { name: "..data", content: "AAEC/w==", encoding: "base64", bytes: 4 },
    ]);
  });

  it("may be as many and as large as the configuration allows, and not one more", () => {
    const file = (name: string, bytes: number) => ({ name, content: "x".repeat(bytes) });
    expect(check([file("a", 400), file("b", 400), file("c", 200)])).toHaveLength(3);
    expect(codeOf([file("a", 1), file("b", 1), file("c", 1), file("d", 1)])).toBe("attachments_file_count_exceeded");
    expect(codeOf([file("a", 401)])).toBe("attachments_file_bytes_exceeded");
    expect(codeOf([{ name: "a", content: "ü".repeat(201) }])).toBe("attachments_file_bytes_exceeded");
    expect(codeOf([file("a", 400), file("b", 400), file("c", 201)])).toBe("attachments_total_bytes_exceeded");
    expect(check([{ name: "a", content: Buffer.alloc(400).toString("base64"), encoding: "base64" }])).toHaveLength(1);
    expect(codeOf([{ name: "a", content: Buffer.alloc(401).toString("base64"), encoding: "base64" }])).toBe(
      "attachments_invalid_base64_or_too_large",
    );
  });

  it.each([
    ...["", "  ", ".", "..", ".manifest.json", ".Manifest.JSON", "a/b", "a\\b", "/etc/passwd", "C:\\a", "a\0", "a\nb"],
    ...["a\tb", "\u007f", "x".repeat(256), "ü".repeat(128), "a\ud800", "\udc00a"],
  ])("have plain names: %j is none", (name) => {
    expect(codeOf([{ name, content: "x" }])).toBe("attachments_invalid_name");
  });

  it.each(["con", "NUL.txt", "a:b", "what?", "end.", 'say"so"', "com1.log"])("on Windows, %j is no name", (name) => {
    const files = [{ name, content: "x" }];
    expect(() => checkAttachments(files, LIMITS, "win32")).toThrow(/can't be an attachment's name/);
    expect(checkAttachments(files, LIMITS, "linux")).toHaveLength(1);
  });

  it.each(["bacon.txt", "a b.c", "console", "lptx", "COM.x", "...a", "nul-1"])("on Windows, %j is one", (name) => {
    expect(checkAttachments([{ name, content: "x" }], LIMITS, "win32")).toHaveLength(1);
  });

  it.each(["PRN", "aux.h", "lpt9", "lpt1.", "end ."])("on Windows, %j is none either", (name) => {
    expect(() => checkAttachments([{ name, content: "x" }], LIMITS, "win32")).toThrow(/can't be an attachment's name/);
  });

  it.each(["x".repeat(255), "ü".repeat(127), "...", ".manifest", ".manifest.json5", "straße & co.txt", "a:b?"])(
    "have any plain name: %j is one",
    (name) => {
      expect(check([{ name, content: "x" }])).toMatchObject([{ name }]);
    },
  );

  it("whose names look alike and are two everywhere are two", () => {
    expect(check(["straße", "strasse", "strasse."].map((name) => ({ name, content: "x" })))).toHaveLength(3);
  });

  it("have a name each, and one in other letters or written otherwise isn't another", () => {
    for (const [one, two] of [
      ["a", "a"],
      ["a", " a"],
      ["Read.Me", "read.me"],
      ["caf\u00e9", "cafe\u0301"],
    ] as const) {
      expect(
        codeOf([
          { name: one, content: "1" },
          { name: two, content: "2" },
        ]),
      ).toBe("attachments_duplicate_name");
    }
  });

  it.each(["", "=", "A", "AA", "AAA", "AA=A", "A===", "AAAA=", "AA-_", "AAAA\u00a0é==", "data:;base64,AAAA"])(
    "are base64 without a flaw: %j isn't",
    (content) => {
      expect(codeOf([{ name: "a", content, encoding: "base64" }])).toBe("attachments_invalid_base64_or_too_large");
    },
  );

  it("may be broken into lines, but not be mostly space", () => {
    const spaced = (spaces: number) => check([{ name: "a", content: `AAAA${" ".repeat(spaces)}`, encoding: "base64" }]);
    // Twice what 400 bytes take.
    expect(spaced(2 * 536 - 4)).toMatchObject([{ content: "AAAA", bytes: 3 }]);
    expect(() => spaced(2 * 536 - 3)).toThrow("is no base64");
  });

  it.each<[code: string, files: Attachment[], message: string]>([
    [
      "attachments_file_count_exceeded",
      Array.from({ length: 4 }, (_, n) => ({ name: `${n}`, content: "" })),
      "4 attachments are more than tools.sessions_spawn.attachments.maxFiles allows (3); send fewer.",
    ],
    [
      "attachments_invalid_name",
      [{ name: "a/b", content: "" }],
      "\"a/b\" can't be an attachment's name; give a plain file name, without folders, of at most 255 bytes.",
    ],
    [
      "attachments_duplicate_name",
      [
        { name: "b", content: "" },
        { name: "B", content: "" },
      ],
      'Two attachments are called "B"; give each its own name.',
    ],
    [
      "attachments_file_bytes_exceeded",
      [{ name: "b", content: "x".repeat(401) }],
      'The attachment "b" has 401 bytes, more than tools.sessions_spawn.attachments.maxFileBytes allows (400); put it into the workspace.',
    ],
    [
      "attachments_invalid_base64_or_too_large",
      [{ name: "b", content: "?", encoding: "base64" }],
      'The attachment "b" is no base64, or larger than tools.sessions_spawn.attachments.maxFileBytes allows (400 bytes); send it whole, with its padding, or as utf8.',
    ],
    [
      "attachments_total_bytes_exceeded",
      ["a", "b", "c"].map((name) => ({ name, content: "x".repeat(400) })),
      "The attachments are larger together than tools.sessions_spawn.attachments.maxTotalBytes allows (1000 bytes); send less, or put them into the workspace.",
    ],
  ])("are refused in words that say what, where and what to do: %s", (code, files, message) => {
    expect(codeOf(files)).toBe(code);
    expect(() => check(files)).toThrow(message);
  });

  it("are named as they were given, without what would move a terminal's cursor, and no further than 80 characters", () => {
    expect(() => check([{ name: "\u001b[2J", content: "" }])).toThrow('"\\u001b[2J" can\'t be');
    expect(() => check([{ name: `${"x".repeat(79)}/`, content: "" }])).toThrow(`"${"x".repeat(79)}/" can't be`);
    expect(() => check([{ name: `${"x".repeat(80)}/`, content: "" }])).toThrow(`"${"x".repeat(80)}…" can't be`);
  });

  it("whatever they hold, are measured in base64 before they are decoded", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 300 }), (bytes) => {
        const [file] = check([{ name: "a", content: Buffer.from(bytes).toString("base64"), encoding: "base64" }]);
        expect(file!.bytes).toBe(bytes.length);
        expect(Buffer.from(file!.content, file!.encoding)).toEqual(Buffer.from(bytes));
      }),
    );
  });

  it("whatever they are called, are refused by a code or stand in their folder", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.string({ unit: "binary" }), PATHS), (name) => {
        let kept = "";
        try {
          kept = check([{ name, content: "x" }])[0]!.name;
        } catch (error) {
          expect((error as { code: string }).code).toBe("attachments_invalid_name");
          return;
        }
        const path = join("/workspace/folder", kept);
        expect([dirname(path), basename(path)]).toEqual(["/workspace/folder", kept]);
      }),
    );
  });

  it("that nobody allowed are forbidden, and the setting is named; none at all are no matter", () => {
    const requester = { agentId: "main" };
    const file = { name: "a", content: "b" };
    const off = planSpawn(parseConfig({}), { task: "x", attachments: [file] }, requester, 0);
    expect(off).toMatchObject({ status: "forbidden", code: "spawn_forbidden" });
    expect((off as { message: string }).message).toContain("tools.sessions_spawn.attachments.enabled");
    expect(isRefusal(planSpawn(parseConfig({}), { task: "x", attachments: [] }, requester, 0))).toBe(false);
    const on = parseConfig({ tools: { sessions_spawn: { attachments: { enabled: true } } } });
    expect(isRefusal(planSpawn(on, { task: "x", attachments: [file] }, requester, 0))).toBe(false);
  });
});

function check(files: Attachment[]) {
  return checkAttachments(files, LIMITS, "linux");
}

function codeOf(files: Attachment[]): string {
  try {
    check(files);
  } catch (error) {
    const { code, message } = error as { code: string; message: string };
    expect(message.length).toBeLessThan(400);
    return code;
  }
  return "none";
}

const PATHS = fc.array(fc.constantFrom("..", ".", "/", "\\", "a", " ", "\0")).map((parts) => parts.join(""));
