import { defineConfig } from "vitest/config";

/**
 * What Stryker judges with: the tests of the three folders it breaks (see stryker.config.js), and no others. They run
 * hundreds of times, so the one that needs threads and a model server is left out.
 */
export default defineConfig({
  test: {
    include: ["test/{policy,sessions,announce}/**/*.test.ts"],
    exclude: ["test/announce/announce-runs.test.ts"],
    // A mutant that only some seeds kill would make a score nobody can repeat.
    setupFiles: ["test/helpers/settled-properties.ts"],
    testTimeout: 60_000,
    // What never comes is waited for by many a mutant; everything here comes within a second or two.
    expect: { poll: { timeout: 6_000 } },
    fileParallelism: false,
  },
});
