import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, it, vi } from "vitest";

import { workerFile } from "../../src/package-root.ts";
import { beyond, resourcesInUse } from "../helpers/leak-guard.ts";
import { tempFolder } from "../helpers/runtime-fixture.ts";
import { startPool, workerOf } from "./threads.ts";

describe("runs on threads", () => {
  it("share one thread, several at a time", async () => {
    const { run, pool } = startPool();
    const runs = Array.from({ length: 6 }, () => run("waits"));
    const threads = await Promise.all(runs.map((one) => one.threadId));
    expect(new Set(threads).size).toBe(1);
    expect(pool.stats()).toMatchObject({ total: 1, dedicated: 0 });
    runs.forEach((one) => one.abort());
    await Promise.all(runs.map((one) => one.released));
  });

  it("spread over the threads there are", async () => {
    const { run, pool } = startPool({ minThreads: 2, maxThreads: 2 });
    await Promise.all([run("echo").released, run("echo").released]);
    await pool.warm();
    const runs = Array.from({ length: 8 }, () => run("waits"));
    const threads = await Promise.all(runs.map((one) => one.threadId));
    expect(threads.filter((id) => id === threads[0])).toHaveLength(4);
    runs.forEach((one) => one.abort());
    await Promise.all(runs.map((one) => one.released));
  });

  it("get more threads as they pile up, which take those that come later, and no more than the most allowed", async () => {
    const { run, pool } = startPool({ minThreads: 1, maxThreads: 2 });
    await run("echo").released;
    const runs = Array.from({ length: 12 }, () => run("waits"));
    const threads = await Promise.all(runs.map((one) => one.threadId));
    expect(new Set(threads).size).toBe(1);
    await vi.waitFor(() => expect(pool.stats().total).toBe(2), PATIENCE);
    // Not before it is warm.
    await vi.waitFor(async () => {
      const later = run("echo");
      await later.released;
      expect(await later.threadId).not.toBe(threads[0]);
    }, PATIENCE);
    runs.push(...Array.from({ length: 20 }, () => run("waits")));
    expect(new Set(await Promise.all(runs.map((one) => one.threadId))).size).toBe(2);
    expect(pool.stats().total).toBe(2);
    runs.forEach((one) => one.abort());
    await Promise.all(runs.map((one) => one.released));
  });

  it("never wait for a thread that starts", async () => {
    const stuck = join(tempFolder(), "threads get stuck from now on");
    const file = workerOf(`
      import { existsSync } from "node:fs";
      if (existsSync(${JSON.stringify(stuck)})) await new Promise((resolve) => setInterval(resolve, 2 ** 31 - 1));
      export * from ${JSON.stringify(pathToFileURL(workerFile()).href)};
    `);
    const { run, pool } = startPool({ minThreads: 1, maxThreads: 2 }, { workerFile: file });
    await pool.ready();
    writeFileSync(stuck, "");
    const waiting = Array.from({ length: 8 }, () => run("waits"));
    const threads = await Promise.all(waiting.map((one) => one.threadId));
    await vi.waitFor(() => expect(pool.stats().total).toBe(2), PATIENCE);
    const beside = Array.from({ length: 8 }, () => run("echo"));
    await Promise.all(beside.map((one) => one.released));
    const used = await Promise.all(beside.map((one) => one.threadId));
    expect(new Set([...threads, ...used])).toEqual(new Set([threads[0]]));
    waiting.forEach((one) => one.abort());
    await Promise.all(waiting.map((one) => one.released));
  });

  it("are all carried when they come in one burst while a thread boots, however short the queue", async () => {
    const { run, pool } = startPool({ minThreads: 1, maxThreads: 3, maxQueue: 1 });
    await pool.ready();
    const runs = Array.from({ length: 20 }, (_, n) => run(`echo ${n}`));
    await expect(Promise.all(runs.map((one) => one.released))).resolves.toHaveLength(20);
  });

  it("may have a thread of their own, which ends with them", async () => {
    const { run, pool } = startPool();
    const beside = run("waits");
    const [own, other] = [run("waits", { dedicated: true }), run("waits", { dedicated: true })];
    const threads = await Promise.all([beside, own, other].map((one) => one.threadId));
    expect(new Set(threads).size).toBe(3);
    expect(pool.stats()).toMatchObject({ total: 3, dedicated: 2 });
    own.abort();
    await own.released;
    expect(pool.stats()).toMatchObject({ total: 2, dedicated: 1 });
    other.abort();
    beside.abort();
    await Promise.all([other.released, beside.released]);
  });
});

describe("a thread that fails", () => {
  it.each(["exits", "rejects"])(
    "by an engine that %s takes its runs along, and a new one takes the next",
    async (how) => {
      const { run } = startPool();
      const beside = run("waits");
      const before = await beside.threadId;
      const culprit = run(how);
      await expect(culprit.released).rejects.toMatchObject({ code: "worker_lost" });
      await expect(beside.released).rejects.toMatchObject({ code: "worker_lost" });
      const next = run("echo after");
      await expect(next.released).resolves.toBeUndefined();
      expect(await next.threadId).not.toBe(before);
    },
  );

  it("after its run's answer doesn't take the answer back, or this process along", async () => {
    const { run } = startPool();
    const late = run("throws-late");
    await late.released;
    expect(await late.result).toMatchObject({ status: "ok", text: "answered before it threw" });
    await new Promise((resolve) => setTimeout(resolve, 100));
    const next = run("echo after");
    await next.released;
    expect(await next.result).toMatchObject({ status: "ok" });
  });

  it("in the midst of a dedicated run harms only that run", async () => {
    const { run } = startPool();
    const beside = run("waits");
    await beside.threadId;
    await expect(run("exits", { dedicated: true }).released).rejects.toMatchObject({ code: "worker_lost" });
    beside.abort();
    await expect(beside.released).resolves.toBeUndefined();
  });

  it("because it was ended from outside rejects its runs", async () => {
    const { run, pool } = startPool();
    const spinning = run("spins");
    await pool.terminateThread(await spinning.threadId);
    await expect(spinning.released).rejects.toMatchObject({ code: "worker_lost" });
  });

  it("at once when it is asked for by an id it never had does nothing", async () => {
    const { run, pool } = startPool();
    await pool.terminateThread(987_654);
    await expect(run("echo").released).resolves.toBeUndefined();
  });
});

describe("a worker file that is no good", () => {
  it.each([
    ["throws at import", 'throw new Error("broken at import");', /broken at import/],
    ["ends its thread at import", "process.exit(3);", /./],
    ["is no JavaScript", "this is not JavaScript", /./],
    ["exports nothing", "export {};", /./],
  ])("that %s is told in one clear sentence within the deadline", async (_how, text, why) => {
    const file = workerOf(text);
    const { pool } = startPool({}, { workerFile: file, startTimeoutMs: 2_000 });
    const failure: unknown = await pool.ready().then(
      () => "ready",
      (error: unknown) => error,
    );
    expect(failure).toMatchObject({ code: "worker_start_failed", message: expect.stringContaining(file) as string });
    expect((failure as Error).message).toMatch(why);
    expect((failure as Error).message).not.toContain("\n");
  });

  it("that isn't there is told so", async () => {
    const { pool } = startPool({}, { workerFile: workerOf("") + ".gone", startTimeoutMs: 2_000 });
    await expect(pool.ready()).rejects.toMatchObject({ code: "worker_start_failed" });
  });

  it("that never finishes loading is given up at the deadline", async () => {
    const { pool } = startPool(
      {},
      { workerFile: workerOf("await new Promise(() => setInterval(() => {}, 1000));"), startTimeoutMs: 300 },
    );
    await expect(pool.ready()).rejects.toMatchObject({
      code: "worker_start_failed",
      message: expect.stringContaining("300 ms") as string,
    });
  });
});

describe("a pool that is closed", () => {
  it("has no thread left, shared or dedicated, and rejects what was on them", async () => {
    const before = resourcesInUse();
    const { run, pool } = startPool({ minThreads: 2, maxThreads: 2 });
    const runs = [run("waits"), run("hangs"), run("spins", { dedicated: true })];
    const ends = Promise.allSettled(runs.map((one) => one.released));
    await Promise.all(runs.map((one) => one.threadId));
    await pool.close();
    expect((await ends).map((end) => end.status)).toEqual(["rejected", "rejected", "rejected"]);
    expect(beyond(before).filter((what) => what.includes("Thread"))).toEqual([]);
  });

  it("takes no more runs", async () => {
    const { run, pool } = startPool();
    await pool.close();
    await expect(run("echo").released).rejects.toMatchObject({ code: "runtime_closed" });
    await expect(run("echo", { dedicated: true }).released).rejects.toMatchObject({ code: "runtime_closed" });
  });

  it("may be closed twice at once, while it is starting and when it has started", async () => {
    const starting = startPool({ minThreads: 2, maxThreads: 2 }).pool;
    await Promise.all([starting.close(), starting.close()]);
    const { pool } = startPool();
    await pool.ready();
    await Promise.all([pool.close(), pool.close()]);
  });
});

const PATIENCE = { timeout: 20_000, interval: 50 };
