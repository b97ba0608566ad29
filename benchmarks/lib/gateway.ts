/** Starts the reference gateway: this package's own engine and threads behind a WebSocket, a handshake and a pairing check. */

import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { ReferenceGatewayOptions } from "../../test/helpers/reference-gateway/index.ts";
import type { GatewayReady } from "./gateway-process.ts";

export type Gateway = GatewayReady & { close(): Promise<void> };

/** Resolves when its threads are warm. */
export async function startGateway(options: ReferenceGatewayOptions): Promise<Gateway> {
  const child = fork(join(import.meta.dirname, "gateway-process.ts"), [JSON.stringify(options)], {
    execArgv: [],
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  const ended = once(child, "exit");
  const ready = (await Promise.race([once(child, "message"), ended])) as [GatewayReady | number | null];
  const [address] = ready;
  if (address === null || typeof address === "number") {
    throw new Error(`The reference gateway ended with code ${String(address)} before it listened.`);
  }
  return {
    ...address,
    close: async () => {
      child.disconnect();
      await ended;
    },
  };
}
