import { beforeAll, describe, expect, it, vi } from "vitest";
import { z } from "zod";

import { fromWireError, toWireError } from "../src/channel/wire-error.ts";
import type * as errors from "../src/errors.ts";
import { causeOf, ConfigError, InprocessError, isConfigError, isInprocessError } from "../src/errors.ts";
import { jsonTool } from "../src/tools/json-tool.ts";

describe("an error of another copy of the module", () => {
  let other: typeof errors;

  // As OpenClaw 2026.9.6 loads them: the runtime's from one registry of plugins, the tools' from another.
  beforeAll(async () => {
    vi.resetModules();
    other = await import("../src/errors.ts");
    expect(other.InprocessError).not.toBe(InprocessError);
  });

  it("keeps its code as a cause and on the wire", () => {
    const error = new other.InprocessError("not_found", "There is no such session.");
    expect(causeOf(error)).toEqual({ code: "not_found", message: "There is no such session." });
    expect(fromWireError(toWireError(error))).toMatchObject({ code: "not_found" });
    expect(isConfigError(error)).toBe(false);
  });

  it("is what a tool's refusal says", async () => {
    const call = (): Promise<never> => Promise.reject(new other.InprocessError("not_yours", "It isn't yours."));
    const tool = jsonTool({ name: "look", label: "Look", description: "Looks.", schema: z.object({}), call });
    const { details } = await tool.execute("1", {}, new AbortController().signal);
    expect(details).toEqual({ status: "error", code: "not_yours", error: "It isn't yours." });
  });

  it("of a configuration keeps its faults", () => {
    const error: unknown = new other.ConfigError([{ path: "subagents.runtime", message: "is wrong" }]);
    expect(isInprocessError(error)).toBe(true);
    expect(isConfigError(error) && error.issues).toEqual([{ path: "subagents.runtime", message: "is wrong" }]);
    expect(isConfigError(new ConfigError([]))).toBe(true);
  });
});

it.each<[string, unknown]>([
  ["of a system call", Object.assign(new Error("no such file"), { code: "ENOENT" })],
  ["of somebody else that has a code of ours by chance", Object.assign(new Error("no"), { code: "internal" })],
  ["with our name and no code of ours", Object.assign(new Error("no"), { name: "InprocessError", code: "odd" })],
  ["that is only an object", { name: "InprocessError", code: "not_found", message: "no" }],
])("an error %s isn't one of ours", (_which, error) => {
  expect(isInprocessError(error)).toBe(false);
  expect(causeOf(error, "tool_error").code).toBe("tool_error");
});
