/** The contract between a thread and the module that runs the agent loop in it. Types only. */

import type { EngineEvent } from "../events.ts";
import type { ToolOutput } from "../host.ts";
import type { EngineResult, EngineTask, LogLine } from "../channel/protocol.ts";
import type { ResolvedModel, Usage } from "../types.ts";

/** Runs one turn of a session, tool calls included. Pure of I/O it was not handed, except the model's own HTTP. */
export interface Engine {
  /**
   * The engine writes the transcript itself: nothing is opened for it, `link.transcript` is empty, and the turn's
   * message is in `task.prompt`. @default false
   */
  readonly ownsTranscript?: boolean;
  /** Never rejects for what a model, a tool or a server can cause: the result says it. */
  run(task: EngineTask, link: EngineLink, signal: AbortSignal): Promise<EngineResult>;
}

/** All an engine may reach. */
export interface EngineLink {
  emit(event: EngineEvent): void;
  /** Whether `text` and `thinking` events go anywhere. */
  readonly watched: boolean;
  /** Worker tools and host tools alike, policy already around them. */
  readonly tools: EngineTool[];
  readonly systemPrompt: string;
  readonly transcript: Transcript;
  /** Messages to put before the model at the next turn boundary; empties the queue. */
  takeSteering(): string[];
  /** An OS process that the run started (`alive`) or saw end; the host ends what is left. */
  process(pid: number, alive: boolean): void;
  refreshModel(model: ResolvedModel): Promise<ResolvedModel>;
  /**
   * To be asked before each call of a model; `used` is what this turn has used so far. Rejects when the run's budget is
   * used up, and then the turn's signal is aborted.
   * @returns `tokens` until the budget is used twice: by then at the latest `answering` is to be called
   */
  modelCall(used: Usage): Promise<{ tokens?: number }>;
  /** To be told what an answer under way has taken so far; the turn's signal is aborted when that is far too much. */
  answering(tokens: number): void;
  log(level: LogLine["level"], msg: string, fields?: Record<string, unknown>): void;
}

/** A tool as the engine sees it. */
export interface EngineTool {
  name: string;
  label: string;
  description: string;
  /** JSON Schema of the arguments. */
  parameters: Record<string, unknown>;
  /** The calls of one answer run one after the other when one of them is of such a tool: it changes what others look at. */
  changesThings?: boolean;
  /** One short line for a person: what this call is about. */
  describe(args: unknown): string;
  /** A failed call is an output with `isError`; a rejection counts as one. */
  execute(toolCallId: string, args: Record<string, unknown>, signal: AbortSignal): Promise<ToolOutput>;
}

/** A session's messages in pi's shape (user, assistant, toolResult). One writer: the run's thread. */
export interface Transcript {
  /** Everything said so far, oldest first. */
  readonly messages: readonly TranscriptMessage[];
  /** Appends one message; resolved when it is handed to the system. */
  append(message: TranscriptMessage): Promise<void>;
}

/** pi's `Message`; opaque here. */
export type TranscriptMessage = { role: "user" | "assistant" | "toolResult"; timestamp: number } & Record<
  string,
  unknown
>;
