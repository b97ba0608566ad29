/**
 * Mutation testing (`npm run mutation`) of the folders that decide: their code is broken in one small way after another,
 * and a test has to notice. What survived is told on the terminal and, line by line, in reports/mutation/index.html.
 *
 * @type {import("@stryker-mutator/api/core").PartialStrykerOptions}
 */
export default {
  mutate: ["src/{policy,sessions,announce}/**/*.ts"],
  testRunner: "vitest",
  plugins: ["@stryker-mutator/vitest-runner"],
  vitest: { configFile: "vitest.mutation.config.ts" },
  // A mutant is tried by the tests that run through its line; one in a constant, by all that import its file.
  coverageAnalysis: "perTest",
  concurrency: 2,
  // Half of a busy machine is slow: a mutant is only called endless when it is.
  timeoutMS: 10_000,
  // What is copied for the runs: sources and tests.
  ignorePatterns: ["/dist", "/benchmarks", "/examples", "/reports", "/coverage", "/test/openclaw"],
  reporters: ["clear-text", "progress-append-only", "html", "json"],
  clearTextReporter: { reportTests: false },
  htmlReporter: { fileName: "reports/mutation/index.html" },
  jsonReporter: { fileName: "reports/mutation/results.json" },
  thresholds: { high: 95, low: 90, break: 85 },
};
