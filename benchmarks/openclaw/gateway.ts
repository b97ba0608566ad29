/** A gateway of one variant, with its own scripted model, ready and warm; what can be asked of both. */

import { fork } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { cp, rm } from "node:fs/promises";
import { request, type IncomingMessage, type RequestOptions } from "node:http";
import { join } from "node:path";
import { runOpenClaw } from "../../test/openclaw/helpers/command.ts";
import { runGateway } from "../../test/openclaw/helpers/gateway-process.ts";
import { installOpenClaw, type OpenClawInstall } from "../../test/openclaw/helpers/install.ts";
import { onboardTemplate } from "../../test/openclaw/helpers/onboard.ts";
import type { Profile } from "../../test/openclaw/helpers/profile.ts";
import type { OpenClawConfig } from "../../test/openclaw/helpers/user-settings.ts";
import type { Seen } from "./model-process.ts";
import type { Variant } from "./variants.ts";

export type BenchGateway = {
  profile: Profile;
  /** A turn of the main session, to its end. */
  turn(text: string): Promise<void>;
  seen(): Promise<Seen[]>;
  /** Seconds of processor time of the gateway so far: its main thread; and all its threads and the processes it started. */
  cpu(): { main: number; all: number };
  log(): string;
  close(): Promise<void>;
};

export async function openGateway({ version, engine, ownTool }: Variant): Promise<BenchGateway> {
  const spawn = ownTool === true ? "sessions_spawn_inprocess" : "sessions_spawn";
  const model = fork(MODEL, [JSON.stringify({ wrapped: version === "2026.9.6", spawn })], {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  const [{ port }] = (await once(model, "message")) as [{ port: number }];
  const profile = await onboardTemplate(await installOpenClaw(version), {
    modelBaseUrl: `http://127.0.0.1:${port}/v1`,
    edit: (config) => {
      settings(config, engine);
      if (ownTool === true) config.tools = { ...config.tools, alsoAllow: ["openclaw-inprocess"] };
    },
  });
  // The core's way needs a device with every scope; with the plugin nothing ever asks for one.
  if (engine === undefined && version === "2026.4.1") await pairWholly(profile);
  // As users run it: every line of a log costs the loop.
  const gateway = await runGateway(profile, []);
  const pid = gatewayPid(gateway.pid);
  return {
    profile,
    turn: (text) => turn(profile, text),
    seen: async () => JSON.parse(await ask({ port, path: "/seen" })) as Seen[],
    cpu: () => ({ main: cpuSeconds(`/proc/${pid}/task/${pid}/stat`), all: wholeCpuSeconds(pid) }),
    log: () => gateway.log(),
    close: async () => {
      await gateway.stop();
      model.disconnect();
      await rm(profile.folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

function settings(config: OpenClawConfig, engine: Variant["engine"]): void {
  // Room for the largest round, for all alike.
  config.agents.defaults["subagents"] = { maxConcurrent: 16, maxChildrenPerAgent: 20 };
  if (engine === undefined) return;
  config.plugins = {
    ...config.plugins,
    load: { paths: [ROOT] },
    entries: { "openclaw-inprocess": { enabled: true, config: { subagents: { runtime: "inprocess", engine } } } },
  };
}

/** The files of a device that may do everything. Pairing takes longer than what is measured then, so it is done once. */
let paired: Promise<Profile> | undefined;

async function pairWholly(profile: Profile): Promise<void> {
  const from = await (paired ??= pairedProfile(profile.install));
  for (const folder of ["devices", "identity"])
    await cp(join(from.stateDir, folder), join(profile.stateDir, folder), { recursive: true });
}

/** The first connection pairs the device narrowly, the second asks for more and is refused, the third approves that. */
async function pairedProfile(install: OpenClawInstall): Promise<Profile> {
  const profile = await onboardTemplate(install, { modelBaseUrl: "http://127.0.0.1:9/v1" });
  const gateway = await runGateway(profile);
  await runOpenClaw(profile, ["gateway", "status"]);
  await runOpenClaw(profile, ["devices", "list"]);
  await runOpenClaw(profile, ["devices", "approve", "--latest"]);
  await gateway.stop();
  return profile;
}

async function turn({ port, token }: Profile, text: string): Promise<void> {
  const headers = {
    authorization: `Bearer ${token}`,
    "content-type": "application/json",
    "x-openclaw-session-key": "agent:main:main",
  };
  const body = JSON.stringify({ model: "openclaw", messages: [{ role: "user", content: text }] });
  await ask({ port, path: "/v1/chat/completions", method: "POST", headers }, body);
}

/** On a connection of its own: one that is kept open is closed under a request by a gateway that stalls. */
export async function ask(options: RequestOptions, body = ""): Promise<string> {
  const call = request({ host: "127.0.0.1", agent: false, ...options });
  call.end(body);
  const [response] = (await once(call, "response")) as [IncomingMessage];
  let text = "";
  for await (const chunk of response.setEncoding("utf8")) text += chunk as string;
  if (response.statusCode !== 200) throw new Error(`the gateway answered with ${response.statusCode}: ${text}`);
  return text;
}

/** OpenClaw starts itself once or twice more; the gateway is the largest of them. */
function gatewayPid(pid: number): number {
  return [pid, ...childrenOf(pid).map(gatewayPid)].reduce((a, b) => (pagesOf(b) > pagesOf(a) ? b : a));
}

/** Of any of its threads. */
function childrenOf(pid: number): number[] {
  return readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
    (readIfThere(`/proc/${pid}/task/${thread}/children`) ?? "").split(/\s+/).filter(Boolean).map(Number),
  );
}

function pagesOf(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/statm`, "utf8").split(" ")[1]);
}

/** With the processes it started, those that have ended included. */
function wholeCpuSeconds(pid: number): number {
  const own = cpuSeconds(`/proc/${pid}/stat`, 4);
  return childrenOf(pid).reduce((sum, child) => sum + wholeCpuSeconds(child), own);
}

/**
 * proc(5): fields 14 and 15, in ticks of 10 ms, counted from behind the name in brackets; 16 and 17 are those of ended
 * children.
 */
function cpuSeconds(file: string, fields = 2): number {
  const text = readIfThere(file) ?? "";
  const all = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const ticks = all.slice(11, 11 + fields).map(Number);
  return ticks.reduce((sum, each) => sum + each, 0) / 100;
}

/** A process or a thread may end at any time. */
function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}

const ROOT = join(import.meta.dirname, "..", "..");
const MODEL = join(import.meta.dirname, "model-process.ts");
