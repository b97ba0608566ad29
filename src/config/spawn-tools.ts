/** Settings of the tools that spawn and collect: limits of attachments, and of groups of collectors. */

import type { AttachmentLimits, SwarmConfig } from "../config.ts";
import type { RawAttachments, RawSwarm } from "./schema.ts";

/** OpenClaw's defaults where nothing is set. */
export function attachmentLimits(raw: RawAttachments = {}): AttachmentLimits {
  return {
    enabled: raw.enabled ?? false,
    maxTotalBytes: raw.maxTotalBytes ?? 5_242_880,
    maxFiles: raw.maxFiles ?? 50,
    maxFileBytes: raw.maxFileBytes ?? 1_048_576,
    retainOnSessionKeep: raw.retainOnSessionKeep ?? false,
  };
}

/** @param own an agent's, over what holds for all; limits alone don't turn on what is off for all */
export function swarmConfig(everyone: RawSwarm = {}, own: RawSwarm = {}): SwarmConfig {
  const defaultAgentId = (own.defaultAgentId ?? everyone.defaultAgentId ?? "").toLowerCase();
  return {
    enabled: own.enabled ?? everyone.enabled ?? true,
    maxConcurrent: own.maxConcurrent ?? everyone.maxConcurrent ?? 8,
    maxChildrenPerGroup: own.maxChildrenPerGroup ?? everyone.maxChildrenPerGroup ?? 50,
    maxTotalPerGroup: own.maxTotalPerGroup ?? everyone.maxTotalPerGroup ?? 200,
    waitTimeoutSecondsMax: own.waitTimeoutSecondsMax ?? everyone.waitTimeoutSecondsMax ?? 600,
    ...(defaultAgentId !== "" && { defaultAgentId }),
  };
}
