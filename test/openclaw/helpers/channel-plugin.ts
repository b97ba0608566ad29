/** A chat channel of a user's own: what it sends it writes down, and what comes in is posted to it. */

import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

import type { Gateway } from "./gateway.ts";
import { freshFolder } from "./run-folder.ts";
import type { OpenClawConfig } from "./user-settings.ts";

export type ChannelPlugin = {
  /** Has the config load it, with one account that is set up. */
  addTo(config: OpenClawConfig): void;
  /** A direct message from `sender`, through the gateway's own inbound pipeline; resolves when its turn is over. */
  says(gateway: Gateway, sender: string, text: string): Promise<void>;
  /** What has gone out, oldest first. */
  sent(): Promise<SentMessage[]>;
};

export type SentMessage = {
  /** `reply`: an answer to an inbound message · `outbound`: sent by the gateway to an address it had stored. */
  way: "reply" | "outbound";
  to: string;
  text: string;
  accountId: string | null;
};

/** The account that is set up, and whom it writes to when nobody else is named. */
export const ACCOUNT = "porch";
export const DEFAULT_RECIPIENT = "everybody";
/** Who can be answered and can't be written to. */
export const DEAF = "dave";

/** Where the gateway keeps the conversation with `sender`. */
export function sessionWith(sender: string): string {
  return `agent:main:${ID}:direct:${sender}`;
}

export async function channelPlugin(): Promise<ChannelPlugin> {
  const folder = join(freshFolder("channel-plugin"), ID);
  const outbox = join(folder, "outbox.jsonl");
  await mkdir(folder);
  const manifest = { id: ID, channels: [ID], configSchema: { type: "object", properties: {} } };
  await writeFile(join(folder, "openclaw.plugin.json"), JSON.stringify(manifest));
  const channel = { id: ID, label: LABEL, blurb: "A user's own." };
  const entry = { name: ID, version: "1.0.0", type: "module", openclaw: { extensions: ["./index.js"], channel } };
  await writeFile(join(folder, "package.json"), JSON.stringify(entry));
  await writeFile(join(folder, "index.js"), source(outbox));
  return {
    addTo: (config) => {
      const plugins = config.plugins ?? {};
      const entries = { ...(plugins.entries as object | undefined), [ID]: { enabled: true } };
      config.plugins = { ...plugins, load: { paths: [folder] }, entries };
      config.channels = { ...(config.channels as object | undefined), [ID]: { street: "Elm Street" } };
    },
    says: async ({ port }, sender, text) => {
      const response = await fetch(`http://127.0.0.1:${port}${PATH}`, {
        method: "POST",
        body: JSON.stringify({ sender, text }),
      });
      const answer = await response.text();
      if (!response.ok) throw new Error(`the channel answered with ${response.status}: ${answer}`);
    },
    sent: async () => {
      if (!existsSync(outbox)) return [];
      const lines = (await readFile(outbox, "utf8")).trim().split("\n");
      return lines.map((line) => JSON.parse(line) as SentMessage);
    },
  };
}

function source(outbox: string): string {
  return `
import { appendFileSync } from "node:fs";
import { text as read } from "node:stream/consumers";
const ID = ${JSON.stringify(ID)};
const send = (way, to, text, accountId) => {
  appendFileSync(${JSON.stringify(outbox)}, JSON.stringify({ way, to, text, accountId: accountId ?? null }) + "\\n");
  return { channel: ID, messageId: String(Date.now()) };
};
const plugin = {
  id: ID,
  meta: { id: ID, label: ${JSON.stringify(LABEL)}, selectionLabel: ${JSON.stringify(LABEL)}, docsPath: "/", blurb: "" },
  capabilities: { chatTypes: ["direct"] },
  config: {
    listAccountIds: () => [${JSON.stringify(ACCOUNT)}],
    defaultAccountId: () => ${JSON.stringify(ACCOUNT)},
    resolveAccount: () => ({ accountId: ${JSON.stringify(ACCOUNT)}, enabled: true, configured: true }),
    isConfigured: () => true,
    resolveDefaultTo: () => ${JSON.stringify(DEFAULT_RECIPIENT)},
  },
  gateway: {
    // A channel that has nothing running would keep the gateway from being ready.
    startAccount: ({ abortSignal }) => new Promise((resolve) => abortSignal.addEventListener("abort", resolve)),
  },
  outbound: {
    deliveryMode: "direct",
    sendText: async ({ to, text, accountId }) => {
      if (to === ${JSON.stringify(DEAF)}) throw new Error("nobody opens the door");
      return send("outbound", to, text, accountId);
    },
    sendMedia: async ({ to, text, accountId }) => send("outbound", to, text, accountId),
  },
};
export default {
  id: ID,
  name: ${JSON.stringify(LABEL)},
  register(api) {
    api.registerChannel({ plugin });
    api.registerHttpRoute({
      path: ${JSON.stringify(PATH)},
      auth: "plugin",
      handler: async (request, response) => {
        try {
          await receive(api.runtime.channel, api.config, JSON.parse(await read(request)));
          response.end("ok");
        } catch (error) {
          response.statusCode = 500;
          response.end(String(error?.stack ?? error));
        }
        return true;
      },
    });
  },
};
async function receive({ routing, session, reply }, cfg, { sender, text }) {
  const accountId = ${JSON.stringify(ACCOUNT)};
  const route = routing.resolveAgentRoute({ cfg, channel: ID, accountId, peer: { kind: "direct", id: sender } });
  const ctx = reply.finalizeInboundContext({
    Body: text, RawBody: text, CommandBody: text, BodyForAgent: text,
    From: sender, To: sender, SenderId: sender, SessionKey: route.sessionKey, AccountId: accountId,
    ChatType: "direct", ConversationLabel: sender, Provider: ID, Surface: ID, MessageSid: String(Date.now()),
    OriginatingChannel: ID, OriginatingTo: sender, CommandAuthorized: true,
  });
  const storePath = session.resolveStorePath(cfg.session?.store, { agentId: route.agentId });
  const fail = (error) => { throw error; };
  await session.recordInboundSession({ storePath, sessionKey: route.sessionKey, ctx, onRecordError: fail });
  await reply.dispatchReplyWithBufferedBlockDispatcher({
    ctx,
    cfg,
    dispatcherOptions: {
      deliver: async (payload) => { if (payload.text) send("reply", sender, payload.text, accountId); },
      onError: fail,
    },
  });
}
`;
}

const ID = "porch-mail";
const LABEL = "Porch mail";
const PATH = "/porch-mail/inbound";
