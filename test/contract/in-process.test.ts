import { serveModel, startRuntime } from "../helpers/runtime-fixture.ts";
import { runtimeContract } from "./runtime-contract.ts";

runtimeContract("the in-process runtime", async ({ script, limits = {} }) => {
  const server = await serveModel(script);
  const { runtime, requester, host } = await startRuntime({ model: server.model, limits, config: WITH_FILES });
  return { runtime, requester, host, requests: () => server.requests };
});

const WITH_FILES = { tools: { sessions_spawn: { attachments: { enabled: true } } } };
