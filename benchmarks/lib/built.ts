/** `openclaw-inprocess` as `npm run build` made it, typed by its source so that a check needs no build. */

import type * as Package from "../../src/index.ts";
import type * as GatewayRuntime from "../../src/runtime/gateway-runtime.ts";
import type * as Registry from "../../src/registry/registry.ts";

export async function builtPackage(): Promise<typeof Package> {
  return (await built("index.js")) as typeof Package;
}

export async function builtGatewayRuntime(): Promise<typeof GatewayRuntime> {
  return (await built("runtime/gateway-runtime.js")) as typeof GatewayRuntime;
}

export async function builtRegistry(): Promise<typeof Registry> {
  return (await built("registry/registry.js")) as typeof Registry;
}

async function built(file: string): Promise<unknown> {
  return import(new URL(`../../dist/${file}`, import.meta.url).href);
}
