/** CPU time of this process, of its main thread and of the rest. */

/** Milliseconds. `others`: worker threads, and the helpers Node and V8 have. */
export type Cpu = { main: number; others: number };

/** @param work runs while nothing else is measured */
export async function cpuOf(work: () => Promise<unknown>): Promise<Cpu> {
  const before = cpuSoFar();
  await work();
  return cpuSince(before, cpuSoFar());
}

export function cpuSoFar(): Cpu {
  // Node 22 can't tell threads apart: there the whole process counts as its main thread.
  const main = total(process.threadCpuUsage?.() ?? process.cpuUsage());
  return { main, others: total(process.cpuUsage()) - main };
}

export function cpuSince(before: Cpu, after: Cpu): Cpu {
  return { main: after.main - before.main, others: after.others - before.others };
}

function total({ user, system }: NodeJS.CpuUsage): number {
  return (user + system) / 1000;
}
