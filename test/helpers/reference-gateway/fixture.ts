/** A reference gateway for a test, and clients that connect to it; everything is closed afterwards. */

import { randomUUID } from "node:crypto";
import { expect } from "vitest";

import { closeAfterTest } from "../runtime-fixture.ts";
import { openReferenceGateway, type ReferenceGateway, type ReferenceGatewayOptions } from "./index.ts";
import {
  connectAs,
  newIdentity,
  openPlainClient,
  type ConnectClaims,
  type Frame,
  type Identity,
  type PlainClient,
} from "./plain-client.ts";

export async function startGateway(options: Partial<ReferenceGatewayOptions> = {}): Promise<ReferenceGateway> {
  const gateway = await openReferenceGateway({ model: NO_MODEL, ...options });
  closeAfterTest(() => gateway.close());
  return gateway;
}

export async function connected(options: Partial<ReferenceGatewayOptions> = {}) {
  const gateway = await startGateway(options);
  return { gateway, client: await greeted(gateway, EVERYTHING) };
}

export async function opened(gateway: ReferenceGateway): Promise<PlainClient> {
  const client = await openPlainClient(gateway.url);
  closeAfterTest(() => client.close());
  return client;
}

/** A new device with these scopes. */
export async function greeted(gateway: ReferenceGateway, scopes: string[]): Promise<PlainClient> {
  const client = await opened(gateway);
  expect(await connectAs(client, newIdentity(), { token: gateway.token!, scopes })).toMatchObject({ ok: true });
  return client;
}

/** What a connection is greeted with; it is closed again. */
export async function shake(gateway: ReferenceGateway, identity: Identity, claims: ConnectClaims): Promise<Frame> {
  const client = await openPlainClient(gateway.url);
  const answer = await connectAs(client, identity, { token: gateway.token!, ...claims });
  await (answer.ok === true ? client.close() : client.ended);
  return answer;
}

export async function messageOf(client: PlainClient, method: string, params: object): Promise<string | undefined> {
  return (await client.call(method, params)).error?.message;
}

export function childKey(): string {
  return `agent:main:subagent:${randomUUID()}`;
}

export const EVERYTHING = ["operator.admin", "operator.read", "operator.write"];
export const MAIN = "agent:main:main";
/** For gateways whose children do nothing. */
export const NO_MODEL: ReferenceGatewayOptions["model"] = {
  provider: "scripted",
  id: "scripted-1",
  api: "openai-completions",
  baseUrl: "http://127.0.0.1:9/v1",
  contextWindow: 1000,
  maxTokens: 100,
  input: ["text"],
  reasoning: false,
};
