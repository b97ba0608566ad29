import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { serialize } from "node:v8";
import fc from "fast-check";
import { expect, test } from "vitest";

import { workerFile } from "../../src/package-root.ts";
import { Execution } from "../../src/runtime/execution.ts";
import { engineTask } from "../helpers/engine-task.ts";
import { engineFile, tempFolder } from "../helpers/runtime-fixture.ts";
import { startPool, workerOf } from "../pool/threads.ts";
import { broken, garbage, result, toHost, TO_HOST } from "./any-message.ts";
import { connect, until } from "./pair.ts";

/** What is no message at all, and what would be one but for one of its fields. */
const bad = fc.oneof(garbage, broken(toHost));

test("anything that is no message ends its own channel with wire_invalid, once, and nothing comes after it", async () => {
  const messages = fc.array(fc.oneof(TO_HOST.started, TO_HOST.steered), { minLength: 1, maxLength: 5 });
  await fc.assert(
    fc.asyncProperty(bad, messages, result, async (value, sent, last) => {
      const [culprit, other] = [connect(), connect()];
      for (const message of sent) other.worker.post(message);
      culprit.workerPort.postMessage(value);
      for (const message of sent) culprit.worker.post(message);
      culprit.worker.finish(last);
      other.worker.finish(last);
      await until(() => other.heard.finished.length > 0 && culprit.heard.invalid.length > 0);
      await turn();
      const nothing = {
        started: [],
        opened: 0,
        events: [],
        processes: [],
        logs: [],
        steered: 0,
        pongs: 0,
        finished: [],
      };
      expect(culprit.heard).toEqual({
        ...nothing,
        invalid: [{ code: "wire_invalid", message: expect.any(String) as string }],
      });
      const steered = sent.reduce((sum, message) => sum + (message.type === "steered" ? message.count : 0), 0);
      expect(other.heard).toMatchObject({
        started: sent.flatMap((message) => (message.type === "started" ? [message.threadId] : [])),
        steered,
        finished: [last],
        invalid: [],
      });
    }),
    { numRuns: 200 },
  );
});

test("a run whose thread sends anything that is no message ends so, and a run beside it in that thread finishes unharmed", async () => {
  const { pool, faults } = startPool({}, { workerFile: workerOf(THREAD_THAT_SENDS_GARBAGE) });
  const dir = tempFolder();
  const terminated: number[] = [];
  let next = 0;
  const execute = (prompt: string): Execution =>
    new Execution({
      pool,
      task: engineTask(dir, String(next++), engineFile("by-task"), prompt),
      dedicated: false,
      grace: { abortMs: 20_000, terminateMs: 20_000 },
      watched: false,
      onStarted: () => undefined,
      onEvents: () => undefined,
      onRequest: async () => undefined,
      onLog: () => undefined,
      onTerminate: (threadId) => void terminated.push(threadId),
    });
  await fc.assert(
    fc.asyncProperty(bad, async (value) => {
      const file = join(dir, `told-${next}`);
      const beside = execute(`finishes-when-told ${file}`);
      const culprit = execute(`garbage ${serialize(value).toString("base64")}`);
      expect(await culprit.ended).toMatchObject({
        kind: "finished",
        result: { status: "error", text: "", cause: { code: "wire_invalid" } },
      });
      await culprit.released;
      writeFileSync(file, "");
      expect(await beside.ended).toMatchObject({
        kind: "finished",
        result: { status: "ok", text: expect.stringContaining(file) as string },
      });
      await beside.released;
      expect(beside.threadId).toBe(culprit.threadId);
    }),
    { numRuns: 40 },
  );
  expect({ terminated, faults, threads: pool.stats().total }).toEqual({ terminated: [], faults: [], threads: 1 });
});

/** The real worker; a task `garbage <bytes>` is carried by nobody, and what the bytes stand for is posted in its name. */
const THREAD_THAT_SENDS_GARBAGE = `
  import { threadId } from "node:worker_threads";
  import { deserialize } from "node:v8";
  import * as worker from ${JSON.stringify(pathToFileURL(workerFile()).href)};
  export const { ping, warm } = worker;
  export async function run(work) {
    const [word, bytes = ""] = work.task.prompt.split(" ");
    if (word !== "garbage") return worker.run(work);
    const closed = new Promise((resolve) => work.port.once("close", resolve));
    work.port.on("message", () => undefined);
    work.port.postMessage({ type: "started", threadId });
    work.port.postMessage(deserialize(Buffer.from(bytes, "base64")));
    await closed;
  }
`;
