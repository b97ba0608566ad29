/** TLS to a gateway whose certificate is pinned: nothing of ours is written before it has shown that one. */

import type { ClientRequestArgs } from "node:http";
import { isIP } from "node:net";
import { connect, type TLSSocket } from "node:tls";
import { plainFingerprint } from "./gateway-address.ts";

export type PinnedConnection = {
  /** As `http.request` takes it. The connection is handed over once it is known to be the right one. */
  create: NonNullable<ClientRequestArgs["createConnection"]>;
  /** Ends a connection that isn't handed over yet. */
  giveUp(): void;
};

/**
 * @param fingerprint SHA-256 of the certificate, in any spelling that `GatewayAddress` allows
 * @param refused told the SHA-256 that was seen instead; makes the error that the connection fails with
 */
export function pinnedConnection(fingerprint: string, refused: (found: string) => Error): PinnedConnection {
  let socket: TLSSocket | undefined;
  const expected = plainFingerprint(fingerprint);
  return {
    create({ host, port }, made) {
      const name = host ?? "";
      const servername = isIP(name) === 0 ? name : "";
      // A pinned certificate is usually one that no CA knows.
      const opened = connect({ host: name, port: Number(port), servername, rejectUnauthorized: false });
      socket = opened;
      const failed = (error: Error): void => made(error, opened);
      opened.once("error", failed);
      opened.once("secureConnect", () => {
        const found = opened.getPeerCertificate().fingerprint256;
        if (plainFingerprint(found) !== expected) return void opened.destroy(refused(found));
        opened.off("error", failed);
        made(null, opened);
      });
      return undefined;
    },
    giveUp: () => void socket?.destroy(),
  };
}
