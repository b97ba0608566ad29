import { spawn } from "node:child_process";
import { join } from "node:path";
import { execa } from "execa";
import { expect, it } from "vitest";
import { stateLayout } from "../../../src/adapters/state-layout.ts";
import { LIMITS, newRun, settlementOf } from "../../registry/fixtures/rows.ts";
import { openOwned, tempFolder } from "../../registry/support.ts";

it.each([[["--json"]], [[]]])("runs %j ends quietly when nobody reads its list any more", async (flags) => {
  const stateDir = tempFolder();
  const registry = openOwned(stateLayout(stateDir).registry);
  for (let count = 0; count < 3; count++) registry.admit(newRun(), LIMITS);

  const child = spawn(process.execPath, [MAIN_FILE, "runs", "--state-dir", stateDir, ...flags], {
    env: { ...process.env, NODE_NO_WARNINGS: "1" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  // As `head` does, only sooner: the pipe is closed before the first line is written.
  child.stdout.destroy();
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => (stderr += chunk));
  const code = await new Promise((resolve) => child.on("close", resolve));
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
});

it("runs names a run by its handle, says what was collected, and gives one with the form of its answer", async () => {
  const stateDir = tempFolder();
  const registry = openOwned(stateLayout(stateDir).registry);
  const run = newRun({ taskName: "beans", collect: true, groupId: "g", expectsCompletion: false });
  registry.admit(run, LIMITS);
  const { completion: _none, ...settlement } = settlementOf(run, { text: '{"beans":7}', structured: { beans: 7 } });
  registry.settle([settlement]);

  const listed = await stdoutOf("runs", "--state-dir", stateDir);
  expect(listed).toMatch(/ {2}ok {2}collected {2}.* {2}beans$/m);
  const whole = JSON.parse(await stdoutOf("runs", run.runId, "--json", "--state-dir", stateDir)) as object;
  expect(whole).toMatchObject({ text: '{"beans":7}', structured: { beans: 7 }, taskName: "beans", groupId: "g" });
  expect(whole).not.toHaveProperty("schemaError");
});

async function stdoutOf(...args: string[]): Promise<string> {
  return (await execa(process.execPath, [MAIN_FILE, ...args], { env: { NODE_NO_WARNINGS: "1" } })).stdout;
}

const MAIN_FILE = join(import.meta.dirname, "..", "..", "..", "src", "adapters", "cli", "main.ts");
