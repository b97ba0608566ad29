/** A tool's result as the reason a core call was blocked with: the host shows it to the model where an error would be. */

import type { ToolOutput } from "../../host.ts";

/** Opens with words no model can take for a failure when it is none; then the result as it is, as JSON. */
export function blockReason(tool: string, output: ToolOutput): string {
  const text = output.content.map((block) => block.text).join("\n");
  return `${opening(tool, output)} ${text}`;
}

function opening(tool: string, output: ToolOutput): string {
  const { status, code, error } = fieldsOf(output);
  if (tool === "sessions_spawn" && status === "accepted") {
    return "STARTED, not an error: the subagent is running inside the gateway process. Do not call sessions_spawn again for this task; its result will come to you as a message. The result of this call:";
  }
  // By whatever status: a steer that comes too soon is `rate_limited`.
  return output.isError === true || code !== undefined || error !== undefined
    ? `${tool} was answered in process and refused. The result of this call:`
    : `DONE, not an error: ${tool} was answered in process. The result of this call:`;
}

function fieldsOf({ details }: ToolOutput): { status?: unknown; code?: unknown; error?: unknown } {
  return typeof details === "object" && details !== null ? details : {};
}
