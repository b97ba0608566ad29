/** A certificate for 127.0.0.1 that nobody has signed but itself. */

import { X509Certificate } from "node:crypto";
import { generate } from "selfsigned";

/** `fingerprint`: SHA-256, hex with colons. */
export async function selfSigned(): Promise<{ key: string; cert: string; fingerprint: string }> {
  const { private: key, cert } = await generate([{ name: "commonName", value: "127.0.0.1" }], {
    algorithm: "sha256",
    keyType: "ec",
    extensions: [{ name: "subjectAltName", altNames: [{ type: 7, ip: "127.0.0.1" }] }],
  });
  return { key, cert, fingerprint: new X509Certificate(cert).fingerprint256 };
}
