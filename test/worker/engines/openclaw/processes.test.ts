import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { expect, it } from "vitest";

import { watchProcesses } from "../../../../src/worker/engines/openclaw/processes.ts";

it("tells of each process that a run starts, however deep below, and of none that another does", async () => {
  const [one, other] = [told(), told()];
  const pids = await Promise.all([watchProcesses(one, startLater), watchProcesses(other, startLater)]);
  const beside = startChild();
  await once(beside, "exit");
  expect(one.seen).toEqual([`${pids[0]} starts`, `${pids[0]} ends`]);
  expect(other.seen).toEqual([`${pids[1]} starts`, `${pids[1]} ends`]);
});

async function startLater(): Promise<number> {
  await delay(5);
  const child = startChild();
  await once(child, "exit");
  return child.pid!;
}

function startChild() {
  return spawn(process.execPath, ["-e", ""], { stdio: "ignore" });
}

function told() {
  const seen: string[] = [];
  return { seen, process: (pid: number, alive: boolean) => void seen.push(`${pid} ${alive ? "starts" : "ends"}`) };
}
