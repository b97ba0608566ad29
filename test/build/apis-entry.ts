/** What the bundle's tests call: the loop and the providers' streams, bundled as the worker is. */

export { runAgentLoop } from "@earendil-works/pi-agent-core";
export { streamFnFor } from "../../src/worker/engines/provider-apis.ts";
