import type { ResolvedModel } from "../../types.ts";

/** The offline demo: scripted inside the worker, no server, no key, no cost. Its ref always resolves. */
export const DEMO_MODEL: ResolvedModel = {
  provider: "demo",
  id: "scripted",
  api: "demo",
  baseUrl: "",
  contextWindow: 128_000,
  maxTokens: 16_384,
  input: ["text"],
  reasoning: false,
  cost: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 },
};

export const DEMO_REF = `${DEMO_MODEL.provider}/${DEMO_MODEL.id}`;
