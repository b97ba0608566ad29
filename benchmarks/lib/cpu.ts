/** CPU time of this process, of its main thread and of the rest. */

/** Milliseconds. `others`: worker threads, and the helpers Node and V8 have. */
export type Cpu = { main: number; others: number };

/** @param work runs while nothing else is measured */
export async function cpuOf(work: () => Promise<void>): Promise<Cpu> {
  const main = process.threadCpuUsage();
  const all = process.cpuUsage();
  await work();
  const mainMs = total(process.threadCpuUsage(main));
  return { main: mainMs, others: total(process.cpuUsage(all)) - mainMs };
}

function total({ user, system }: NodeJS.CpuUsage): number {
  return (user + system) / 1000;
}
