/** A client of the gateway's protocol that does nothing by itself: a test says every word, true or false. */

import { createHash, generateKeyPairSync, randomUUID, sign, type KeyObject } from "node:crypto";
import { once } from "node:events";
import { WebSocket, type ClientOptions } from "ws";

export type Identity = { id: string; publicKey: string; privateKey: KeyObject };

export type Frame = {
  type: string;
  id?: string;
  event?: string;
  ok?: boolean;
  payload?: Record<string, unknown>;
  error?: { code: string; message: string; details?: Record<string, unknown> };
};

export type PlainClient = {
  /** Every frame that came, oldest first. */
  frames: Frame[];
  /** Resolves with the first frame that fits, come or yet to come; rejects when the connection ends before. */
  frame(fits: (frame: Frame) => boolean): Promise<Frame>;
  /** Asks, and resolves with the first answer. */
  call(method: string, params: object): Promise<Frame>;
  send(text: string): void;
  /** Resolves when the connection has ended, whoever ended it. */
  ended: Promise<{ code: number; reason: string }>;
  close(): Promise<void>;
};

export type ConnectClaims = {
  token?: string | undefined;
  password?: string;
  deviceToken?: string;
  scopes?: string[];
  platform?: string;
  /** What is signed instead of the truth. */
  lies?: Partial<{ nonce: string; signedAt: number; scopes: string[]; deviceId: string; token: string }>;
};

export function newIdentity(): Identity {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const raw = publicKey.export({ format: "der", type: "spki" }).subarray(-32);
  return { id: createHash("sha256").update(raw).digest("hex"), publicKey: raw.toString("base64url"), privateKey };
}

/** Rejects when the connection is refused. */
export async function openPlainClient(url: string, options: ClientOptions = {}): Promise<PlainClient> {
  const socket = new WebSocket(url, options);
  const frames: Frame[] = [];
  const looks = new Set<() => void>();
  socket.on("message", (data) => {
    frames.push(JSON.parse((data as Buffer).toString()) as Frame);
    looks.forEach((look) => look());
  });
  // `once` of node:events would reject with a connection that is refused, which is told already.
  const ended = new Promise<{ code: number; reason: string }>((resolve) => {
    socket.once("close", (code, reason) => resolve({ code, reason: reason.toString() }));
  });
  await once(socket, "open");
  socket.on("error", () => undefined);
  const frame: PlainClient["frame"] = (fits) =>
    new Promise((resolve, reject) => {
      let looked = 0;
      const look = (): void => {
        const found = frames.slice(looked).find(fits);
        looked = frames.length;
        if (found === undefined) return;
        looks.delete(look);
        resolve(found);
      };
      looks.add(look);
      look();
      void ended.then(({ code, reason }) => reject(new Error(`the connection ended with ${code} ${reason}`)));
    });
  return {
    frames,
    frame,
    call: (method, params) => {
      const id = randomUUID();
      socket.send(JSON.stringify({ type: "req", id, method, params }));
      return frame((one) => one.type === "res" && one.id === id);
    },
    send: (text) => socket.send(text),
    ended,
    close: async () => {
      socket.close(1000);
      await ended;
    },
  };
}

/** Waits for the challenge and answers it; without an identity as a client that has none. */
export async function connectAs(
  client: PlainClient,
  identity: Identity | undefined,
  claims: ConnectClaims,
): Promise<Frame> {
  const challenge = await client.frame(({ event }) => event === "connect.challenge");
  const nonce = String(challenge.payload!["nonce"]);
  const { token, password, deviceToken, scopes = ["operator.read"], platform = "linux", lies = {} } = claims;
  const signedAt = lies.signedAt ?? Date.now();
  const id = lies.deviceId ?? identity?.id ?? "";
  const shown = lies.token ?? token ?? deviceToken ?? "";
  const signedScopes = (lies.scopes ?? scopes).join(",");
  const text = `v3|${id}|gateway-client|backend|operator|${signedScopes}|${signedAt}|${shown}|${nonce}|${platform}|`;
  const auth = {
    ...(token === undefined ? {} : { token }),
    ...(password === undefined ? {} : { password }),
    ...(deviceToken === undefined ? {} : { deviceToken }),
  };
  return client.call("connect", {
    minProtocol: 3,
    maxProtocol: 3,
    client: { id: "gateway-client", version: "0.0.0", platform, mode: "backend" },
    role: "operator",
    scopes,
    caps: [],
    auth,
    ...(identity === undefined ? {} : { device: signedDevice(identity, id, text, signedAt, lies.nonce ?? nonce) }),
  });
}

function signedDevice({ publicKey, privateKey }: Identity, id: string, text: string, signedAt: number, nonce: string) {
  const signature = sign(null, Buffer.from(text), privateKey).toString("base64url");
  return { id, publicKey, signature, signedAt, nonce };
}
