/** Puts a reference gateway together: a server, its connections, its pairing store, its children. */

import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, realpathSync, rmSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { WebSocketServer } from "ws";

import { selfSigned } from "./certificate.ts";
import type { ChildRun } from "./child-run.ts";
import { Children } from "./children.ts";
import { Connection } from "./connection.ts";
import { Methods } from "./methods.ts";
import { PairingStore } from "./pairing-store.ts";
import type { Faults, ReferenceGateway, ReferenceGatewayOptions, Seen } from "./types.ts";
import { MAX_PAYLOAD_BYTES } from "./wire.ts";

/**
 * Listens when it resolves; the caller closes it.
 * @param die what `dieAfterAccept` does. @default it stops listening and breaks off every connection
 */
export async function openReferenceGateway(
  options: ReferenceGatewayOptions,
  die?: () => void,
): Promise<ReferenceGateway> {
  const { model, subagents = {}, limits = {}, tickIntervalMs = 30_000 } = options;
  const stateDir = options.stateDir ?? realpathSync(mkdtempSync(join(tmpdir(), "reference-gateway-")));
  const workspaceDir = options.workspaceDir ?? join(stateDir, "workspace");
  for (const folder of [stateDir, workspaceDir]) mkdirSync(folder, { recursive: true, mode: 0o700 });
  const auth = options.auth ?? { token: randomBytes(24).toString("base64url") };
  const seen: Seen = { connections: 0, calls: [], messages: [] };
  let faults: Faults = { ...options.faults };
  const connections = new Set<Connection>();
  const tell = (event: string, payload: unknown): void => connections.forEach((one) => one.tell(event, payload));
  const children = new Children({
    ...{ model, subagents, limits, stateDir, workspaceDir },
    onLifecycle: (run, phase) => tell("agent", lifecycle(run, phase)),
  });
  const pairing = new PairingStore(join(stateDir, "devices.json"));
  const methods = new Methods({ children, seen });

  const certificate = options.tls === true ? await selfSigned() : undefined;
  const server = certificate === undefined ? createHttpServer() : createHttpsServer(certificate);
  const sockets = new WebSocketServer({ noServer: true, maxPayload: MAX_PAYLOAD_BYTES });
  const raw = new Set<Socket>();
  const breakOff = (): void => raw.forEach((socket) => socket.destroy());
  const drop = (): void => {
    server.close();
    breakOff();
  };
  const context = { auth, pairing, methods, seen, tickIntervalMs, faults: () => faults, die: die ?? drop };
  server.on("connection", (socket: Socket) => {
    if (faults.handshake === "drop") socket.resetAndDestroy();
    raw.add(socket);
    socket.on("close", () => raw.delete(socket));
  });
  server.on("upgrade", (request, stream, head) => {
    if (faults.handshake === "mute") return;
    sockets.handleUpgrade(request, stream, head, (socket) => {
      const connection = new Connection(context, socket, request);
      connections.add(connection);
      socket.on("close", () => connections.delete(connection));
    });
  });
  const ticks = setInterval(() => tell("tick", { ts: Date.now() }), tickIntervalMs);
  const close = async (): Promise<void> => {
    clearInterval(ticks);
    for (const connection of connections) connection.close(1012, "service restart");
    const closed = new Promise((resolve) => server.close(resolve));
    setTimeout(breakOff, CLOSE_WITHIN_MS).unref();
    await Promise.all([closed, children.close()]);
    if (options.stateDir === undefined) rmSync(stateDir, { recursive: true, force: true, maxRetries: 5 });
  };

  try {
    await children.ready();
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject).listen(options.port ?? 0, "127.0.0.1", resolve);
    });
  } catch (error) {
    await close();
    throw error;
  }
  const { port } = server.address() as AddressInfo;
  return {
    url: `${certificate === undefined ? "ws" : "wss"}://127.0.0.1:${port}`,
    ...auth,
    ...(certificate === undefined ? {} : { tlsFingerprint: certificate.fingerprint }),
    stateDir,
    pairing,
    setFaults: async (next) => void (faults = { ...next }),
    seen: async () => seen,
    dropConnections: async () => breakOff(),
    warm: () => children.warm(),
    close,
  };
}

function lifecycle({ runId, sessionKey, startedAt, endedAt, end }: ChildRun, phase: "start" | "end" | "error") {
  const times = { ...(startedAt === undefined ? {} : { startedAt }), ...(endedAt === undefined ? {} : { endedAt }) };
  const data = { phase, ...times, ...(end?.aborted === true ? { aborted: true } : {}), ...error(end?.error) };
  return { runId, sessionKey, stream: "lifecycle", data, seq: phase === "start" ? 1 : 2, ts: Date.now() };
}

function error(text: string | undefined) {
  return text === undefined ? {} : { error: text };
}

const CLOSE_WITHIN_MS = 500;
