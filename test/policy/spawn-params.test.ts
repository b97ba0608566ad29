import { describe, expect, it } from "vitest";
import { refuseParams } from "../../src/policy/spawn-params.ts";
import { spawnTerms } from "../../src/policy/spawn-terms.ts";
import type { SpawnParams } from "../../src/types.ts";

const refuse = (more: Record<string, unknown>) => refuseParams({ task: "x", ...more });
const file = { name: "a.txt", content: "b" };

describe("the parameters of a spawn", () => {
  it.each<[string, Record<string, unknown>]>([
    ["a timeout of none", { runTimeoutSeconds: 0 }],
    ["nothing for a label", { label: undefined }],
    [
      "what is done anyway",
      { sandbox: "inherit", context: "isolated", thread: false, runtime: "subagent", collect: false },
    ],
    ["a sandbox", { sandbox: "require" }],
    ["a handle", { taskName: "a" }],
    ["the longest handle", { taskName: `r${"-_9z".repeat(16).slice(0, 63)}` }],
    ["a session in a thread", { thread: true, mode: "session" }],
    ["one run in a thread", { thread: true, mode: "run" }],
    ["a thread, which is a session", { thread: true, cleanup: "delete" }],
    ["a fork", { context: "fork" }],
    ["fifty files", { attachments: Array.from({ length: 50 }, () => file) }],
    [
      "files of both encodings",
      {
        attachments: [
          { ...file, encoding: "base64", mimeType: "text/plain" },
          { ...file, encoding: "utf8" },
        ],
      },
    ],
    ["an empty file", { attachments: [{ name: "a", content: "" }] }],
    ["a place for files", { attachAs: { mountPath: "in/A-Z_0.9:x" } }],
    ["any place for files", { attachAs: {} }],
    ["a result that is fetched", { collect: true, outputSchema: { type: "object" }, groupId: "batch" }],
    ["a fetched result that would be announced", { collect: true, expectsCompletionMessage: true }],
    ["a private result", { completionTarget: "parent", mode: "run", expectsCompletionMessage: true, thread: false }],
    ["a budget", { budget: { tokens: 1, usd: 0.01, turns: 1, toolCalls: 1, wallSeconds: 0.5 } }],
    ["a budget of one limit", { budget: { usd: 2 } }],
  ])("take %s", (_what, params) => {
    expect(refuse(params)).toBeUndefined();
  });

  it("refuse a name that is none", () => {
    expect(refuse({ bogus: 1 })).toMatchObject({ code: "params_invalid", message: naming("bogus") });
    expect(refuse({ timeoutSeconds: "3" })).toMatchObject({ code: "params_invalid" });
    expect(refuse({ constructor: 1 })).toMatchObject({ code: "params_invalid", message: naming("constructor") });
    const acp = refuse({ runtime: "acp" });
    expect(acp).toMatchObject({ status: "error", code: "capability_missing", message: naming("acp") });
    // What is right for the runtime isn't for anything else.
    expect(refuse({ mode: "subagent" })).toMatchObject({ code: "params_invalid", message: naming("mode") });
  });

  it.each([
    ["label", {}],
    ["toolsAllow", "read"],
    ["thinking", "very"],
    ["isolation", 3],
    ["cleanup", "burn"],
    ["model", 7],
    ["agentId", "No Such"],
    ["cwd", 7],
    ["runTimeoutSeconds", Number.NaN],
    ["runTimeoutSeconds", 1e10],
    ["expectsCompletionMessage", "yes"],
    ["taskName", "last"],
    ["taskName", "all"],
    ["taskName", "Big"],
    ["taskName", "9lives"],
    ["taskName", `a${"b".repeat(64)}`],
    ["thread", "yes"],
    ["mode", "stay"],
    ["sandbox", "maybe"],
    ["context", "shared"],
    ["lightContext", 1],
    ["attachments", {}],
    ["attachments", [{ name: "", content: "b" }]],
    ["attachments", [{ name: "a" }]],
    ["attachments", [{ ...file, encoding: "hex" }]],
    ["attachments", [{ ...file, path: "/etc" }]],
    ["attachments", ["a.txt"]],
    ["attachAs", { mountPath: "a b" }],
    ["attachAs", { mountPath: "" }],
    ["attachAs", { to: "a" }],
    ["completionTarget", "channel"],
    ["collect", "yes"],
    ["outputSchema", true],
    ["outputSchema", []],
    ["outputSchema", { description: "x".repeat(65_536) }],
    ["outputSchema", { n: 1n }],
    ["groupId", "  "],
    ["groupId", "x".repeat(129)],
    ["budget", {}],
    ["budget", { tokens: 0 }],
    ["budget", { tokens: 1.5 }],
    ["budget", { turns: -1 }],
    ["budget", { usd: Infinity }],
    ["budget", { wallSeconds: 0 }],
    ["budget", { wallSeconds: 2_147_484 }],
    ["budget", { seconds: 5 }],
  ])("refuse %s of the wrong kind: %o", (name, value) => {
    expect(refuse({ collect: true, [name]: value })).toMatchObject({ code: "params_invalid", message: naming(name) });
  });

  it("refuse more files than a spawn may bring, with a code of its own", () => {
    const refusal = refuse({ attachments: Array.from({ length: 51 }, () => file) });
    const code = "attachments_file_count_exceeded";
    expect(refusal).toMatchObject({ status: "error", code, message: naming("51 attachments") });
  });

  it.each<[string, Record<string, unknown>, string[]]>([
    ["a session without a thread", { mode: "session" }, ["session", "thread"]],
    ["collecting in a thread", { collect: true, thread: true }, ["collect", "thread"]],
    ["collecting in a thread's run", { collect: true, thread: true, mode: "run" }, ["collect", "thread"]],
    ["a schema of what is announced", { outputSchema: {} }, ["outputSchema", "collect"]],
    ["a batch of what is announced", { groupId: "a", collect: false }, ["groupId", "collect"]],
    [
      "a private result that is fetched",
      { completionTarget: "parent", collect: true },
      ["completionTarget", "collect"],
    ],
    ["a private result of a thread", { completionTarget: "parent", thread: true }, ["completionTarget", "thread"]],
    [
      "a private result nobody waits for",
      { completionTarget: "parent", expectsCompletionMessage: false },
      ["completionTarget", "expectsCompletionMessage"],
    ],
  ])("refuse %s", (_what, params, named) => {
    const refusal = refuse(params);
    expect(refusal).toMatchObject({ status: "error", code: "params_invalid" });
    for (const name of named) expect(refusal!.message).toContain(name);
  });
});

it("a thread makes a session, a session keeps its transcript, and what is collected isn't announced", () => {
  const plain = { mode: "run", context: "isolated", cleanup: "keep", collect: false, expectsCompletion: true };
  const terms = (more: Partial<SpawnParams>) => spawnTerms({ task: "x", ...more });
  expect(terms({})).toEqual(plain);
  expect(terms({ cleanup: "delete", expectsCompletionMessage: false })).toEqual({
    ...plain,
    cleanup: "delete",
    expectsCompletion: false,
  });
  expect(terms({ thread: true, cleanup: "delete" })).toEqual({ ...plain, mode: "session" });
  expect(terms({ thread: true, mode: "run", cleanup: "delete" })).toEqual({ ...plain, cleanup: "delete" });
  expect(terms({ collect: true, expectsCompletionMessage: true })).toEqual({
    ...plain,
    collect: true,
    expectsCompletion: false,
  });
  expect(terms({ context: "fork" })).toEqual({ ...plain, context: "fork" });
});

function naming(name: string): string {
  return expect.stringContaining(name) as string;
}
