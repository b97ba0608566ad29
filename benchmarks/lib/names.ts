/** Every benchmark, in the order of the table. Each is a file of its own beside this folder. */
export const NAMES = [
  "spawn-accepted",
  "first-request",
  "start-up",
  "handover",
  "loop-delay",
  "main-thread-cpu",
  "worker-cpu",
  "memory",
  "thousand-children",
  "abort",
  "thread-floor",
];
