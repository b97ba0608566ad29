import { expect, it } from "vitest";

import { MainSession } from "../../src/adapters/main-session.ts";
import { createLogger } from "../../src/log.ts";
import { RecordingHost } from "../helpers/recording-host.ts";
import { closeAfterTest, fixtureConfig, tempFolder } from "../helpers/runtime-fixture.ts";

it("a main session says of itself which tools it has, for its children to have no other", () => {
  const tools = { exec: { security: "full", ask: "off" }, deny: ["write", "sessions_history"] };
  const { model, workspace } = new RecordingHost(tempFolder());
  const session = new MainSession({
    config: fixtureConfig({ config: { tools } }),
    agentId: "main",
    model,
    workspaceDir: workspace,
    stateDir: tempFolder(),
    resolveModel: async () => model,
    logger: createLogger(),
    publish: () => undefined,
    wantsText: () => false,
  });
  closeAfterTest(() => session.close());
  expect(session.requester.tools?.toSorted()).toEqual([
    "agents_list",
    "agents_wait",
    "edit",
    "exec",
    "find",
    "list",
    "read",
    "search",
    "sessions_list",
    "sessions_send",
    "sessions_spawn",
    "sessions_yield",
    "subagents",
  ]);
});
