/** Calls of the gateway's API on behalf of a child, freed of whoever asked for the child. */

import { AsyncLocalStorage } from "node:async_hooks";
import type { Host } from "../../host.ts";

/**
 * The same host, its methods run in the async context this is called in: call it where no request or tool call is under
 * way. A child lives on in the context of the tool call that asked for it, and 2026.9.6 refuses everything that comes
 * out of that one once the call is over.
 */
export function outsideOfCalls(host: Host): Host {
  const outside = AsyncLocalStorage.snapshot();
  const freed = Object.entries(host).map(([name, method]: [string, Method]) => [
    name,
    (...args: unknown[]) => outside(method, ...args),
  ]);
  return Object.fromEntries(freed) as Host;
}

type Method = (...args: unknown[]) => unknown;
