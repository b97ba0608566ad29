/** What a session's model is told of our tools, where the host lets a plugin say it. */

import { instance } from "./instance.ts";

export function toolGuidance(): { appendSystemContext: string } | undefined {
  const here = instance();
  if (here === undefined || here.takeover.spawns === "never") return undefined;
  return { appendSystemContext: here.takeover.spawns === "always" ? ANSWERED_IN_PROCESS : OFFERED_BESIDE };
}

const ANSWERED_IN_PROCESS =
  "Subagents run inside this gateway. A call of sessions_spawn (or sessions_spawn_inprocess, where it is offered) is answered at once; when its result opens with STARTED, the subagent is at work, whatever field the words stand in. Results come to you as messages by themselves.";
const OFFERED_BESIDE =
  "Where sessions_spawn_inprocess is offered, it starts a subagent inside this gateway that has file tools only, in its own thread; sessions_spawn starts one with all tools. Results of both come to you as messages by themselves.";
