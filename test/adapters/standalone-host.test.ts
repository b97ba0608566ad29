import { expect, it } from "vitest";

import { createStandalone } from "../../src/adapters/standalone-host.ts";
import { RecordingHost } from "../helpers/recording-host.ts";
import { closeAfterTest, fixtureConfig, tempFolder } from "../helpers/runtime-fixture.ts";

it("the standalone host lists its one session, to that session and no child", async () => {
  const { model, workspace } = new RecordingHost(tempFolder());
  const config = fixtureConfig({});
  const before = Date.now();
  const standalone = await createStandalone({
    ...{ config, workspaceDir: workspace, stateDir: tempFolder() },
    resolveModel: async () => model,
  });
  closeAfterTest(() => standalone.close());
  const { runtime, mainSessionKey: sessionKey } = standalone;
  const requester = { sessionKey, agentId: "main" };
  const [main, ...others] = await runtime.hostSessions(requester);
  expect(main).toMatchObject({ sessionKey, agentId: "main", usage: { totalTokens: 0 } });
  expect(main!.updatedAt).toBeGreaterThanOrEqual(before);
  expect(others).toEqual([]);
  expect(await runtime.hostSessions(requester, { agentId: "other" })).toEqual([]);
  expect(await runtime.hostSessions({ sessionKey: "agent:main:subagent:x", agentId: "main", depth: 1 })).toEqual([]);
});
