import { RecordingHost } from "../helpers/recording-host.ts";
import { serveModel, startRuntime, tempFolder } from "../helpers/runtime-fixture.ts";
import { runtimeContract } from "./runtime-contract.ts";

runtimeContract("the in-process runtime", async ({ script, limits = {} }) => {
  const server = await serveModel(script);
  const host = new RecordingHost(tempFolder()).bindThreads();
  const { runtime, requester } = await startRuntime({ model: server.model, limits, config: WITH_FILES, host });
  return { runtime, requester, host, requests: () => server.requests };
});

const WITH_FILES = { tools: { sessions_spawn: { attachments: { enabled: true } } } };
