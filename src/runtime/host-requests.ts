/** What a run asks of the host over its channel, answered: host tools, the gateway's tool policy, its budget, a fresh key. */

import type { HostRequest, HostRequestKind, HostRequests } from "../channel/protocol.ts";
import { InprocessError } from "../errors.ts";
import type { ToolOutput, ToolVerdict } from "../host.ts";
import { allowAnswer, allowModelCall, allowToolCall } from "./budget.ts";
import { childContext } from "./child-tools.ts";
import type { LiveRun } from "./live-run.ts";
import type { Parts } from "./parts.ts";

/** A rejection crosses the channel with its code. */
export function answerRequest(parts: Parts, run: LiveRun, request: HostRequest, signal: AbortSignal): Promise<unknown> {
  const answer = ANSWERS[request.kind] as Answer<HostRequestKind>;
  return answer({ parts, run, signal }, request);
}

type Asked = { parts: Parts; run: LiveRun; signal: AbortSignal };
type Answer<K extends HostRequestKind> = (
  asked: Asked,
  params: HostRequests[K]["params"],
) => Promise<HostRequests[K]["reply"]>;

/** One entry for each kind of request; an async function each, so that a host that throws is a rejection like any other. */
const ANSWERS: { [K in HostRequestKind]: Answer<K> } = {
  tool: async ({ run, signal }, { toolCallId, tool: name, args }) => {
    // What its record names, whatever the thread asks for: a model's text may have got hold of the thread.
    const tool = run.facts.hostTools.find((candidate) => candidate.name === name);
    if (tool === undefined) throw new InprocessError("tool_blocked", `This session has no tool ${name}.`);
    return bounded(await tool.execute(toolCallId, args, signal), name);
  },

  verdict: async ({ parts: { host }, run }, { toolCallId, tool, args }) => {
    if (host.beforeToolCall === undefined) return { allow: true };
    const child = childContext(run.facts.row);
    // An answer that is none lets nothing through.
    return (await host.beforeToolCall({ child, toolCallId, tool, args })) ?? NO_VERDICT;
  },

  model_call: async ({ parts, run }, { usage }) => allowModelCall(parts, run, usage),

  answering: async ({ parts, run }, { tokens }) => allowAnswer(parts, run, tokens),

  tool_call: async ({ parts, run }) => allowToolCall(parts, run),

  refresh_model: async ({ parts: { host, secrets }, run, signal }, { model: asked }) => {
    const { agentId } = run.facts.row;
    const model = await host.resolveModel(asked, agentId, { refresh: true, signal });
    secrets.add(model, agentId);
    return model;
  },
};

/** What a host tool returns enters a thread, where no heap limit contains it (design §6). */
function bounded(output: ToolOutput, tool: string): ToolOutput {
  const texts = output.content.reduce((sum, block) => sum + Buffer.byteLength(block.text), 0);
  const details = output.details === undefined ? 0 : Buffer.byteLength(JSON.stringify(output.details) ?? "");
  const bytes = texts + details;
  if (bytes <= TOOL_OUTPUT_BYTES) return output;
  throw new InprocessError(
    "payload_too_large",
    `The tool ${tool} returned ${bytes} bytes; at most ${TOOL_OUTPUT_BYTES} may enter a thread. Ask it for less.`,
  );
}

const NO_VERDICT: ToolVerdict = { allow: false, reason: "The gateway's tool policy gave no answer." };
const TOOL_OUTPUT_BYTES = 1_048_576;
