import { it, expect } from "vitest";
import { startRuntime } from "../helpers/runtime-fixture.ts";
import { resourcesInUse } from "../helpers/leak-guard.ts";
it("a", async () => {
  console.log("before", process.getActiveResourcesInfo(), resourcesInUse());
  let t = performance.now();
  const f = await startRuntime({ engine: "by-task" });
  console.log("made", performance.now()-t, process.getActiveResourcesInfo(), resourcesInUse());
  const r = await f.start("echo hello");
  await f.settled(r.runId)
  console.log("settled", performance.now()-t);
  t = performance.now();
  await f.close();
  console.log("closed", performance.now()-t, process.getActiveResourcesInfo(), resourcesInUse());
});
it("b", async () => {
  let t = performance.now();
  const f = await startRuntime({ engine: "by-task" });
  console.log("made", performance.now()-t, process.getActiveResourcesInfo(), resourcesInUse());
  const r = await f.start("echo hello");
  await f.settled(r.runId)
  console.log("settled", performance.now()-t);
  t = performance.now();
  await f.close();
  console.log("closed", performance.now()-t, process.getActiveResourcesInfo(), resourcesInUse());
});
