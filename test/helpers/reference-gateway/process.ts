/** A reference gateway as a process of its own: it ends with its parent. See `fork.ts` for the other side. */

import { openReferenceGateway } from "./open.ts";
import type { ReferenceGateway, ReferenceGatewayOptions } from "./types.ts";

/** What the parent asks for, by path: `pairing.approve`, `setFaults`… */
export type Question = { id: number; call: string; args: unknown[] };
export type Reply = { id: number; value: unknown } | { id: number; error: string };
export type Ready = Pick<ReferenceGateway, "url" | "token" | "password" | "tlsFingerprint" | "stateDir">;

// Whoever asked for the death has read `accepted`; nothing else is tidied up.
const gateway = await openReferenceGateway(JSON.parse(process.argv[2]!) as ReferenceGatewayOptions, () =>
  process.exit(1),
);

const { pairing } = gateway;
const calls: Record<string, (...args: never[]) => Promise<unknown>> = {
  "pairing.paired": () => pairing.paired(),
  "pairing.pending": () => pairing.pending(),
  "pairing.approve": (requestId?: string) => pairing.approve(requestId ?? undefined),
  "pairing.narrow": (deviceId: string, scopes: string[]) => pairing.narrow(deviceId, scopes),
  "pairing.silent": (on: boolean) => pairing.silent(on),
  setFaults: (faults: Parameters<typeof gateway.setFaults>[0]) => gateway.setFaults(faults),
  seen: () => gateway.seen(),
  dropConnections: () => gateway.dropConnections(),
  warm: () => gateway.warm(),
  usage: async () => {
    const { user, system } = process.cpuUsage();
    return { cpuUs: user + system, rssBytes: process.memoryUsage.rss() };
  },
};

process.on("message", ({ id, call, args }: Question) => {
  const answered = calls[call]!(...(args as never[])).then(
    (value): Reply => ({ id, value }),
    (error: unknown): Reply => ({ id, error: error instanceof Error ? error.message : String(error) }),
  );
  void answered.then((reply) => process.send?.(reply));
});
process.on("disconnect", () => void gateway.close().finally(() => process.exit(0)));

const { url, token, password, tlsFingerprint, stateDir } = gateway;
process.send?.({ url, token, password, tlsFingerprint, stateDir } satisfies Partial<Ready>);
