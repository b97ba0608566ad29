import { describe, expect, it } from "vitest";
import { refuseParams } from "../../src/policy/spawn-params.ts";

const refuse = (more: Record<string, unknown>) => refuseParams({ task: "x", ...more });

describe("the parameters of a spawn", () => {
  it.each([
    ["attachments", [{ name: "a", content: "b" }]],
    ["attachAs", {}],
    ["context", "fork"],
    ["outputSchema", {}],
    ["budget", { tokens: 5 }],
    ["sandbox", "require"],
    ["thread", true],
    ["runtime", "acp"],
    ["collect", true],
  ])("refuse %s by name, for nothing asked for is passed over", (name, value) => {
    expect(refuse({ [name]: value })).toMatchObject({ code: "capability_missing", message: naming(name) });
  });

  it("refuse a name that is none", () => {
    expect(refuse({ bogus: 1 })).toMatchObject({ code: "params_invalid", message: naming("bogus") });
    expect(refuse({ timeoutSeconds: "3" })).toMatchObject({ code: "params_invalid" });
  });

  it.each([
    ["sandbox", "inherit"],
    ["context", "isolated"],
    ["thread", false],
    ["runtime", "subagent"],
    ["label", undefined],
    ["runTimeoutSeconds", 0],
  ])("take %s: %j", (name, value) => {
    expect(refuse({ [name]: value })).toBeUndefined();
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
  ])("refuse %s of the wrong kind: %j", (name, value) => {
    expect(refuse({ [name]: value })).toMatchObject({ code: "params_invalid", message: naming(name) });
  });
});

function naming(name: string): string {
  return expect.stringContaining(name) as string;
}
