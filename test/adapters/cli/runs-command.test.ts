import { spawn } from "node:child_process";
import { join } from "node:path";
import { expect, it } from "vitest";
import { stateLayout } from "../../../src/adapters/state-layout.ts";
import { LIMITS, newRun } from "../../registry/fixtures/rows.ts";
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

const MAIN_FILE = join(import.meta.dirname, "..", "..", "..", "src", "adapters", "cli", "main.ts");
