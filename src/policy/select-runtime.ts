/** Which way subagents run on this install. */

import { BlockList, isIP } from "node:net";
import type { Config } from "../config.ts";

export type RuntimeChoice = {
  runtime: "inprocess" | "gateway";
  /** In words, for `doctor` and the start-up log. */
  reason: string;
};

/**
 * `subagents.runtime` when it names one. With `auto`, in process on an install that only this machine can reach
 * (`gateway.mode` local, `gateway.bind` loopback or a custom loopback address), else the gateway's own path.
 */
export function selectRuntime(config: Pick<Config, "subagents" | "gateway">): RuntimeChoice {
  const { runtime } = config.subagents;
  const { mode, bind, customBindHost } = config.gateway;
  if (runtime !== "auto") return { runtime, reason: `subagents.runtime is "${runtime}"` };
  if (mode !== "local") return viaGateway(`gateway.mode is "${mode}", so the gateway is another process`);
  if (bind === "loopback") return inProcess('gateway.bind is "loopback"');
  if (bind !== "custom") return viaGateway(`gateway.bind is "${bind}", which other machines may reach`);
  if (customBindHost === undefined) return viaGateway('gateway.bind is "custom" without a gateway.customBindHost');
  return isLoopback(customBindHost)
    ? inProcess(`gateway.customBindHost ${customBindHost} is a loopback address`)
    : viaGateway(`gateway.customBindHost ${customBindHost} isn't a loopback address`);
}

/** 127.0.0.0/8, ::1 in any spelling, with or without brackets, and `localhost`. */
export function isLoopback(host: string): boolean {
  const bare = host
    .trim()
    .replace(/^\[(.*)\]$/, "$1")
    .toLowerCase();
  if (bare === "localhost") return true;
  const family = isIP(bare);
  return family !== 0 && loopback.check(bare, family === 4 ? "ipv4" : "ipv6");
}

function inProcess(why: string): RuntimeChoice {
  return { runtime: "inprocess", reason: `subagents.runtime is "auto" and ${why}` };
}

function viaGateway(why: string): RuntimeChoice {
  return { runtime: "gateway", reason: `subagents.runtime is "auto" and ${why}` };
}

const loopback = new BlockList();
loopback.addSubnet("127.0.0.0", 8, "ipv4");
loopback.addAddress("::1", "ipv6");
