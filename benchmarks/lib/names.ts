/** Every benchmark, in the order of the tables. Each is a file of its own beside this folder. */
export const NAMES = ["spawn-latency", "responsiveness", "cost", "scale", "cold-start", "abort", "fairness"];
