import { describe, expect, it } from "vitest";
import { buildProgram } from "../../../src/adapters/cli/program.ts";

async function parsed(...argv: string[]) {
  let seen: unknown;
  const program = buildProgram({
    run: async (words, flags) => void (seen = { words, flags: { ...flags } }),
    runs: async () => undefined,
    doctor: async () => undefined,
  });
  await program.parseAsync(["node", "openclaw-inprocess", ...argv]);
  return seen;
}

describe("the command line", () => {
  it("takes every option of run, before or after the task", async () => {
    const options = [
      ...["--config", "c.json", "--workspace", "w", "--state-dir", "s", "--model", "m", "--base-url", "http://h/v1"],
      ...["--api-key-env", "KEY", "--runtime", "inprocess", "--json", "--quiet"],
    ];
    const flags = {
      config: "c.json",
      workspace: "w",
      stateDir: "s",
      model: "m",
      baseUrl: "http://h/v1",
      apiKeyEnv: "KEY",
      runtime: "inprocess",
      json: true,
      quiet: true,
    };
    expect(await parsed("run", ...options, "the task")).toEqual({ words: ["the task"], flags });
    expect(await parsed("run", "the task", ...options)).toEqual({ words: ["the task"], flags });
  });

  it("takes a dash, several words, and anything after two dashes as the task", async () => {
    expect(await parsed("run", "-")).toEqual({ words: ["-"], flags: {} });
    expect(await parsed("run", "count", "files")).toEqual({ words: ["count", "files"], flags: {} });
    expect(await parsed("run", "--", "--json", "means")).toEqual({ words: ["--json", "means"], flags: {} });
    expect(await parsed("run", "--demo")).toEqual({ words: [], flags: { demo: true } });
  });

  it.each([
    [["run", "--modle", "x", "t"], /--modle.*--model/su],
    [["run", "--runtime", "cloud", "t"], /cloud.*inprocess/u],
    [["run", "t", "--model"], /--model.*argument missing/u],
    [[], /no command/u],
    [["dance"], /no command "dance".*run "your task"/u],
    [["count the files"], /no command "count the files"/u],
  ])("refuses %j with a way on", async (argv, message) => {
    await expect(parsed(...argv)).rejects.toThrow(message);
  });
});
