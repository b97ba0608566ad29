/** Longer pieces of help, and the words about the demo. */

export const EXAMPLES = `
Examples:
  Try it, offline and without a key (a scripted demo model, real subagents):
    openclaw-inprocess run --demo

  With a model on this machine, such as Ollama's:
    openclaw-inprocess run --base-url http://localhost:11434/v1 --model llama3.2 "What is in this folder?"

  With a provider's model, whose key is in the usual variable:
    ANTHROPIC_API_KEY=... openclaw-inprocess run --model anthropic/claude-sonnet-4-5 "Compare the three largest files"

  With the models and limits of an OpenClaw config:
    openclaw-inprocess run --config ~/.openclaw/openclaw.json --workspace ~/project "Review the tests"

  With a long task from a file:
    openclaw-inprocess run --model openai/gpt-5 - < task.md
`;

export const NOTES = `
Exit codes:
  0    the main agent answered, even if a subagent failed
  1    something failed after the run had started
  2    an option, the config, the task or the workspace is wrong; nothing was started
  130  Ctrl-C: what was running was ended; a second Ctrl-C leaves at once

Without --config, --model and --base-url the scripted demo model is used.
With the runtime gateway, subagents run in the OpenClaw gateway (2026.4.x) that the config names (gateway.port, .bind,
.auth, .remote; or OPENCLAW_GATEWAY_URL, _PORT, _TOKEN, _PASSWORD), with that gateway's own models and in its own
workspaces: --model, --base-url, --demo and --workspace are the main agent's alone. When the gateway can't take them,
they run in process and share the main agent's.
NO_COLOR=1 turns colours off; OPENCLAW_INPROCESS_DEBUG=1 adds the stack to an error;
OPENCLAW_INPROCESS_LOG=info (debug, info, warn, error) writes log.jsonl in the state folder.
`;

/** What `--demo` does when no task is given. */
export const DEMO_TASK = "Tell me what is in this workspace: its folders, its longest files, and its tests.";

/** Said before a demo. @param runtime where its subagents are to run */
export function demoNotice(runtime: "inprocess" | "gateway"): string {
  return [
    "The model is demo/scripted: a built-in script that works offline, not an AI. Subagents, threads and tools are real.",
    ...(runtime === "gateway" ? [IN_GATEWAY] : []),
    "For a real model use --model provider/id, --base-url URL --model NAME, or --config FILE (see openclaw-inprocess run --help).",
  ].join(" ");
}

const IN_GATEWAY =
  "That holds for the main agent, and for subagents that run in process: in the gateway they have its own models and work " +
  "in its own workspaces, so what they report is about those.";
