/** The scripted model server, started in a process of its own. */

import { fork } from "node:child_process";
import { once } from "node:events";
import type { ResolvedModel } from "../../src/index.ts";
import type { ModelServerBehaviour, RequestTimes } from "../model-server.ts";

export type ModelProcess = {
  model: ResolvedModel;
  times(): Promise<RequestTimes>;
  close(): void;
};

export async function startModel(behaviour: ModelServerBehaviour): Promise<ModelProcess> {
  const child = fork(new URL("../model-server.ts", import.meta.url), [JSON.stringify(behaviour)], { execArgv: [] });
  const [{ port }] = (await once(child, "message")) as [{ port: number }];
  return {
    model: { ...MODEL, api: behaviour.api ?? MODEL.api, baseUrl: `http://127.0.0.1:${port}/v1` },
    times: async () => (await (await fetch(`http://127.0.0.1:${port}/times`)).json()) as RequestTimes,
    close: () => void child.kill("SIGKILL"),
  };
}

const MODEL: ResolvedModel = {
  provider: "bench",
  id: "scripted",
  api: "openai-completions",
  baseUrl: "",
  apiKey: "none",
  contextWindow: 1_000_000,
  maxTokens: 300_000,
  input: ["text"],
  reasoning: false,
};
