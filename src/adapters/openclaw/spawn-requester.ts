/** What a spawn knows of the session that asks for it, beyond its name. */

import type { Requester } from "../../types.ts";
import type { Instance } from "./instance.ts";

/**
 * With the transcript that a fork begins with, where it is a file; and with the model that was chosen for the session,
 * which 2026.9.6 gives to its children and 2026.4.1 doesn't. The gateway is only asked for what this spawn needs: the
 * store of 2026.4.1 is read whole.
 */
export async function forSpawn(
  { host, session }: Pick<Instance, "host" | "session">,
  requester: Requester,
  { context, model }: Record<string, unknown>,
): Promise<Requester> {
  const isFork = host.sessionsInFiles && context === "fork";
  const inherits = !host.sessionsInFiles && (typeof model !== "string" || model.trim() === "");
  if (!isFork && !inherits) return requester;
  // Without it the child begins with its task alone and has its agent's model; a fork's answer says so.
  const known = await session(requester.sessionKey).catch(() => undefined);
  return {
    ...requester,
    ...(isFork && known?.transcript !== undefined ? { transcriptPath: known.transcript } : {}),
    ...(inherits && known?.model !== undefined ? { model: known.model } : {}),
  };
}
