/**
 * The entry of the OpenClaw plugin. OpenClaw registers it in the gateway, once for each registry it builds, and again in
 * every thread and command that loads its plugins: only a gateway's service starts anything.
 */

import { isMainThread } from "node:worker_threads";
import type { PluginApi, ToolCallContext, ToolCallDecision, ToolCallEvent, TurnContext } from "./openclaw/api.ts";
import { AFTER_ALL_OTHERS, beforeCoreCall, CORE_TOOLS } from "./openclaw/core-calls.ts";
import { registerInWorker } from "./openclaw/in-worker.ts";
import { instance } from "./openclaw/instance.ts";
import { OWN_TOOLS, ownTools } from "./openclaw/own-tools.ts";
import { toolGuidance } from "./openclaw/system-prompt.ts";

export default {
  id: "openclaw-inprocess",
  name: "In-process subagents",
  description: "Runs subagents in worker threads inside the gateway process: no pairing, a responsive gateway.",
  register,
};

function register(api: PluginApi): void {
  if (!isMainThread) return registerInWorker(api);
  registerCommands(api);
  if (api.registrationMode?.startsWith("cli")) return;
  api.registerTool(ownTools, { names: OWN_TOOLS });
  const beforeCall = (event: ToolCallEvent, context: ToolCallContext): Promise<ToolCallDecision | undefined> => {
    noteTurn(context);
    return beforeCoreCall(event, context, api.logger);
  };
  api.on("before_tool_call", beforeCall, { matcher: CORE_TOOLS, priority: AFTER_ALL_OTHERS });
  api.on("before_prompt_build", (_event, context) => {
    noteTurn(context);
    return toolGuidance();
  });
  api.on("message_received", ({ content }) => instance()?.heard?.(content));
  api.on("message_sent", (event, context) => instance()?.sends.sent(event, context));
  registerService(api);
}

/** Hooks of prompts can be forbidden to a plugin: a call tells of its turn too. */
function noteTurn({ runId, sessionKey }: TurnContext): void {
  if (runId !== undefined && sessionKey !== undefined) instance()?.busy.isTurnOf(runId, sessionKey);
}

/** Loaded when they are asked for: every command of OpenClaw registers every plugin. */
function registerCommands(api: PluginApi): void {
  const descriptor = {
    name: "inprocess",
    description: "In-process subagents: status, runs, doctor",
    hasSubcommands: true,
  };
  api.registerCli(
    async ({ program, config }) => {
      const { addCommands } = await import("./openclaw/commands.ts");
      addCommands(program, { config, state: api.runtime.state });
    },
    { commands: ["inprocess"], descriptors: [descriptor] },
  );
}

function registerService(api: PluginApi): void {
  api.registerService({
    id: "openclaw-inprocess",
    start: async (context) => {
      const { startInGateway } = await import("./openclaw/service.ts");
      await startInGateway(api, context);
    },
    stop: async () => {
      const { stopInGateway } = await import("./openclaw/service.ts");
      await stopInGateway();
    },
  });
}
