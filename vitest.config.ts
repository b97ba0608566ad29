import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    // Those start a real OpenClaw: `npm run test:openclaw`.
    exclude: ["test/openclaw/**"],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // What a test waits for may take long on a busy machine: no test depends on speed.
    expect: { poll: { timeout: 30_000 } },
    // Two cores are the smallest machine the suite is meant for: each test file starts threads of its own.
    maxWorkers: 2,
  },
});
