/**
 * This installation as a device of a gateway: an Ed25519 key pair in a private file, and the tokens that gateways gave
 * it. The key is made once; approving a device means approving this key.
 */

import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, randomUUID, sign } from "node:crypto";
import type { KeyObject } from "node:crypto";
import { chmodSync, linkSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { z } from "zod";
import { InprocessError, isInprocessError, messageOf } from "../errors.ts";
import { makeFolder } from "../make-folder.ts";

export type DeviceIdentity = {
  /** SHA-256 of the raw public key, hex. */
  deviceId: string;
  /** The raw 32 bytes, base64url. */
  publicKey: string;
  /** Ed25519 signature, base64url. */
  sign(text: string): string;
  /** What that gateway gave this device at an earlier handshake. */
  tokenFor(url: string): string | undefined;
  /** Written at once; undefined forgets it. A file that can't be written is passed over: the token is asked for again. */
  keepToken(url: string, token: string | undefined): void;
};

/**
 * Reads the identity, or makes it (file 0600, new folders 0700). Several processes may do so at once: all get the same.
 * @throws InprocessError `state_dir_unusable` when it can't be made, or what stands there is no identity
 */
export function deviceIdentity(file: string): DeviceIdentity {
  const stored = readIdentity(file) ?? makeIdentity(file);
  const privateKey = privateKeyOf(stored, file);
  const publicKey = rawPublicKey(privateKey);
  return {
    deviceId: createHash("sha256").update(publicKey).digest("hex"),
    publicKey: publicKey.toString("base64url"),
    sign: (text) => sign(null, Buffer.from(text), privateKey).toString("base64url"),
    tokenFor: (url) => stored.tokens[url],
    keepToken: (url, token) => {
      if (stored.tokens[url] === token) return;
      if (token === undefined) delete stored.tokens[url];
      else stored.tokens[url] = token;
      // What another process has written meanwhile counts, for other gateways.
      const { [url]: _before, ...others } = tryRead(file)?.tokens ?? {};
      tryReplace(file, { ...stored, tokens: token === undefined ? others : { ...others, [url]: token } });
    },
  };
}

type Stored = z.infer<typeof STORED>;

function readIdentity(file: string): Stored | undefined {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw unusable(`The device identity ${file} can't be read: ${messageOf(error)}`, error);
  }
  makePrivate(file);
  const parsed = STORED.safeParse(parseJson(text));
  if (parsed.success) return parsed.data;
  throw unusable(`The device identity ${file} is damaged; delete it, and approve the new device on the gateway`);
}

/** A copy or a backup may have come back readable for everybody. */
function makePrivate(file: string): void {
  if (process.platform === "win32") return;
  try {
    // One that is private already may lie where nothing can be changed.
    if ((statSync(file).mode & 0o077) !== 0) chmodSync(file, 0o600);
  } catch (error) {
    const why = messageOf(error);
    throw unusable(`The device identity ${file} can be read by others and can't be made private: ${why}`, error);
  }
}

/** Written whole beside its place and linked into it: of several processes one wins, and the others take its file. */
function makeIdentity(file: string): Stored {
  const privateKey = generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  const made: Stored = { version: 1, privateKey, tokens: {} };
  const beside = `${file}.${randomUUID()}`;
  try {
    makeFolder(dirname(file), 0o700);
    writeFileSync(beside, JSON.stringify(made), { mode: 0o600, flag: "wx" });
    return placed(beside, file) ? made : readIdentity(file)!;
  } catch (error) {
    if (isInprocessError(error)) throw error;
    throw unusable(`The device identity ${file} can't be made: ${messageOf(error)}`, error);
  } finally {
    rmSync(beside, { force: true });
  }
}

/** False when another process was quicker. */
function placed(beside: string, file: string): boolean {
  try {
    linkSync(beside, file);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EEXIST") return false;
    // A file system without hard links: there the first write wins too, though a reader may come in the middle of it.
    writeFileSync(file, readFileSync(beside), { mode: 0o600, flag: "wx" });
    return true;
  }
}

function tryRead(file: string): Stored | undefined {
  try {
    return readIdentity(file);
  } catch {
    return undefined;
  }
}

function tryReplace(file: string, stored: Stored): void {
  const beside = `${file}.${randomUUID()}`;
  try {
    writeFileSync(beside, JSON.stringify(stored), { mode: 0o600, flag: "wx" });
    renameSync(beside, file);
  } catch {
    rmSync(beside, { force: true });
  }
}

function privateKeyOf(stored: Stored, file: string): KeyObject {
  try {
    const key = createPrivateKey(stored.privateKey);
    if (key.asymmetricKeyType === "ed25519") return key;
  } catch {
    // Said below.
  }
  throw unusable(
    `The device identity ${file} holds no Ed25519 key; delete it, and approve the new device on the gateway`,
  );
}

/** The last 32 bytes of the DER form are the key itself. */
function rawPublicKey(privateKey: KeyObject): Buffer {
  return createPublicKey(privateKey).export({ type: "spki", format: "der" }).subarray(-32);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function unusable(message: string, cause?: unknown): InprocessError {
  return new InprocessError("state_dir_unusable", `${message}.`, { cause });
}

const STORED = z.object({
  version: z.literal(1),
  /** PKCS 8, PEM. */
  privateKey: z.string(),
  /** By the gateway's URL. */
  tokens: z.record(z.string(), z.string()),
});
