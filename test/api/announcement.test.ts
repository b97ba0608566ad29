/** What an embedder makes of completions for its session's model, with what the package exports. */

import { expect, it } from "vitest";

import { announcement, type Completion, type SubagentRuntime } from "../../src/index.ts";
import { gate, serveModel, startRuntime, tempFolder } from "../helpers/runtime-fixture.ts";
import { RecordingHost } from "../helpers/recording-host.ts";

it("a host of an embedder's own tells its model the results, and what to do with them", async () => {
  const slow = gate();
  const server = await serveModel(async ({ lastUserText }) => {
    if (lastUserText.endsWith("slow")) await slow.opened;
    if (lastUserText.endsWith("quiet")) return { silent: true };
    return "found";
  });
  const host = new RecordingHost(tempFolder());
  const { start, runtime, requester } = await startRuntime({ model: server.model, host });
  const tell = async (completions: Completion[]) => announcement(completions, await stillRunning(runtime));
  const stillRunning = async (of: SubagentRuntime) =>
    (await of.list(requester)).filter((run) => run.state !== "settled" && run.expectsCompletionMessage !== false)
      .length;

  await start({ task: "quiet", expectsCompletionMessage: false });
  await start({ task: "slow" });
  await start({ task: "quick", label: "Quick one" });
  await host.deliveredTimes(1);
  const first = await tell(host.deliveries[0]!);
  expect(first).toContain("label: Quick one");
  expect(first).toMatch(/\n1 more subagent is still at work; end your turn unless[^\n]*$/);
  slow.open();
  await host.deliveredTimes(2);
  expect(await tell(host.deliveries[1]!)).toMatch(/\nNo subagent of yours is at work any more: [^\n]*only NO_REPLY\.$/);
});
