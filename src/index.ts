/** The public API. Named exports only; whatever stands here is kept. */

export { createSubagentRuntime, type RuntimeOptions } from "./adapters/embed.ts";
export { announcement } from "./announce/completion-text.ts";
export { modelsFromConfig } from "./adapters/models/models-from-config.ts";
export { parseConfig } from "./config.ts";
export { selectRuntime, type RuntimeChoice } from "./policy/select-runtime.ts";
export { createSessionTools, type AgentTool } from "./tools/session-tools.ts";

export { ConfigError, ERROR_CODES, InprocessError, type Cause, type ConfigIssue, type ErrorCode } from "./errors.ts";
export { createLogger, type Logger, type LoggerOptions } from "./log.ts";

export type * from "./types.ts";
export type * from "./host.ts";
export type * from "./events.ts";
export type { Config } from "./config.ts";
export type { SubagentRuntime } from "./runtime/runtime.ts";
export type { Engine, EngineLink, EngineTool, Transcript, TranscriptMessage } from "./worker/engine.ts";
export type { AgentRole, AttachedFiles, EngineResult, EngineTask, ForkSource, LogLine } from "./channel/protocol.ts";
