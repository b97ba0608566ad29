import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import type { VariantRequest } from "../../benchmarks/lib/benchmark.ts";
import { fileOf } from "../../benchmarks/lib/files.ts";

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
});

// Windows has no signals to send.
describe.skipIf(process.platform === "win32")("a benchmark that is interrupted leaves no folder behind", () => {
  it.each([
    { signal: "SIGINT", code: 130, name: "abort", variant: "siblings" },
    { signal: "SIGTERM", code: 143, name: "spawn-latency", variant: "kept" },
  ] as const)("when $variant of $name gets $signal", async ({ signal, code, name, variant }) => {
    const temporary = newFolder();
    const child = start(name, variant, temporary);
    await expect.poll(() => left(temporary)).not.toEqual([]);
    child.kill(signal);
    expect(await once(child, "exit")).toEqual([code, null]);
    await expect.poll(() => left(temporary)).toEqual([]);
  });

  it("when its runner is gone", async () => {
    const temporary = newFolder();
    const child = start("abort", "alone", temporary);
    await expect.poll(() => left(temporary)).not.toEqual([]);
    child.disconnect();
    expect(await once(child, "exit")).toEqual([2, null]);
    await expect.poll(() => left(temporary)).toEqual([]);
  });
});

function start(name: string, variant: string, temporary: string): ChildProcess {
  const request: VariantRequest = { variant, pace: { quick: false } };
  return fork(fileOf(name), [JSON.stringify(request)], {
    execArgv: [],
    env: { ...process.env, TMPDIR: temporary },
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
}

function left(temporary: string): string[] {
  return readdirSync(temporary).filter((name) => name.startsWith("openclaw-inprocess-bench-"));
}

function newFolder(): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "interrupt-test-")));
  folders.push(folder);
  return folder;
}
