/** Which wire formats a model can be spoken to in: pi-ai's stream functions by the name of their API. */

import type { StreamFn } from "@earendil-works/pi-agent-core";
import { InprocessError } from "../../errors.ts";

/**
 * The function that streams one model call.
 * A format's module is evaluated at its first use, so that a thread pays for those it really speaks.
 * @param api `ResolvedModel.api`, one of `PROVIDER_APIS`
 * @throws InprocessError `model_unusable` naming the formats that exist
 */
export async function streamFnFor(api: string): Promise<StreamFn> {
  if (!isProviderApi(api)) {
    throw new InprocessError(
      "model_unusable",
      `The model's api "${api}" isn't one this package speaks; set it to one of ${PROVIDER_APIS.join(", ")}.`,
    );
  }
  const { streamSimple } = await loaders[api]();
  // Each of pi's functions is typed for models of its own api; that this model is one was checked by name above.
  return streamSimple as StreamFn;
}

function isProviderApi(api: string): api is ProviderApi {
  return Object.hasOwn(loaders, api);
}

const loaders = {
  "openai-completions": () => import("@earendil-works/pi-ai/api/openai-completions"),
  "openai-responses": () => import("@earendil-works/pi-ai/api/openai-responses"),
  "azure-openai-responses": () => import("@earendil-works/pi-ai/api/azure-openai-responses"),
  "anthropic-messages": () => import("@earendil-works/pi-ai/api/anthropic-messages"),
  "google-generative-ai": () => import("@earendil-works/pi-ai/api/google-generative-ai"),
  "google-vertex": () => import("@earendil-works/pi-ai/api/google-vertex"),
  "mistral-conversations": () => import("@earendil-works/pi-ai/api/mistral-conversations"),
  "bedrock-converse-stream": () => import("@earendil-works/pi-ai/api/bedrock-converse-stream"),
};

export type ProviderApi = keyof typeof loaders;

/** In the order they are offered to a reader. */
export const PROVIDER_APIS = Object.keys(loaders) as ProviderApi[];
