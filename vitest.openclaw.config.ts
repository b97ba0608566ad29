import { defineConfig } from "vitest/config";

/** Real gateways: each takes seconds of a core to start, so one file at a time. */
export default defineConfig({
  test: {
    include: ["test/openclaw/**/*.test.ts"],
    globalSetup: ["test/openclaw/helpers/run-folder.ts"],
    testTimeout: 180_000,
    // Installing OpenClaw for the first time happens in a hook.
    hookTimeout: 600_000,
    fileParallelism: false,
  },
});
