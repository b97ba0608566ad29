/** One turn of a session in its thread: opens what the engine may reach, runs it, tells the host how it ended. */

import { threadId, type MessagePort } from "node:worker_threads";
import type { EngineResult, EngineTask } from "../channel/protocol.ts";
import { WorkerEnd } from "../channel/worker-end.ts";
import { causeOf, InprocessError, type Cause } from "../errors.ts";
import { redact, redactText } from "../redact.ts";
import { noUsage } from "../usage.ts";
import type { AnswerForm } from "./answer-form.ts";
import type { EngineLink, Transcript, TranscriptMessage } from "./engine.ts";
import { loadEngine } from "./engines/load-engine.ts";
import { beginFork, openTranscript, readBootstrapFiles, type OpenTranscript } from "./files.ts";
import { addedSystemPrompt, openingMessage, systemPrompt } from "./prompts.ts";
import { createTools } from "./run-tools.ts";

/** Never rejects: the result goes to the host as `finished`, always the last message. */
export async function runTask(task: EngineTask, port: MessagePort): Promise<void> {
  const controller = new AbortController();
  const steering: string[] = [];
  const end = new WorkerEnd(port, {
    abort: (cause) => controller.abort(new InprocessError(cause.code, cause.message)),
    steer: (text) => void steering.push(text),
  });
  end.post({ type: "started", threadId });
  const opened = tellOpened(task, end);
  let result: EngineResult;
  let transcript: OpenTranscript | undefined;
  try {
    const engine = await loadEngine(task.engine);
    const form = await formOf(task);
    const forked = beginFork(task);
    if (engine.ownsTranscript !== true) {
      transcript = await openTranscript(task.transcriptPath, { id: task.sessionId, cwd: task.workspaceDir });
      await openTurn(task, transcript, forked);
      opened();
    }
    const link = await createLink(task, end, transcript, steering, controller, form, opened);
    result = await engine.run(forked ? task : withoutFork(task), link, controller.signal);
    if (form !== undefined) result = form.judge(result);
  } catch (error) {
    result = failed(causeOf(error, "engine_failed"));
  }
  try {
    await transcript?.close();
  } catch (error) {
    if (result.status === "ok") result = { ...result, ...failed(causeOf(error, "transcript_unusable")) };
  }
  try {
    end.finish(result);
  } catch (error) {
    // An engine of the user's own may answer with what can't cross the channel.
    end.finish(failed(causeOf(error, "engine_failed")));
  }
}

/** Before anything is written: a schema that can't be read costs no model call. */
async function formOf({ outputSchema }: EngineTask): Promise<AnswerForm | undefined> {
  if (outputSchema === undefined) return undefined;
  const { answerForm } = await import("./answer-form.ts");
  return answerForm(outputSchema);
}

/** Writes the turn's prompt before anything else, so that a thread lost later finds it there. */
async function openTurn(task: EngineTask, transcript: OpenTranscript, forked: boolean): Promise<void> {
  if (task.prompt === undefined) return;
  const isFirst = forked || transcript.messages.length === 0;
  const text = isFirst ? openingMessage(task, task.prompt) : task.prompt;
  // Lost with its thread, a turn is opened again only if it wasn't yet.
  if (task.resume === "thread_lost" && transcript.messages.some((message) => opens(message, task))) return;
  await transcript.append(userMessage(text));
}

/** Told once. With its first turn a session is brought nobody's results: what came of that one is heard soon enough. */
function tellOpened({ resume }: EngineTask, end: WorkerEnd): () => void {
  let isTold = resume === undefined;
  return () => {
    if (isTold) return;
    isTold = true;
    end.post({ type: "opened" });
  };
}

function opens(message: TranscriptMessage, task: EngineTask): boolean {
  if (message.role !== "user" || !Array.isArray(message.content) || task.prompt === undefined) return false;
  const said = (message.content as { text?: unknown }[])[0]?.text;
  return said === task.prompt || said === openingMessage(task, task.prompt);
}

async function createLink(
  task: EngineTask,
  end: WorkerEnd,
  transcript: OpenTranscript | undefined,
  steering: string[],
  controller: AbortController,
  form: AnswerForm | undefined,
  opened: () => void,
): Promise<EngineLink> {
  const { signal } = controller;
  // An engine that keeps the transcript has tools, and rules for them, of its own.
  const isGuest = transcript === undefined;
  // Such an engine reads the files of the folder it works in by itself.
  const bootstrapDir = task.bootstrapDir ?? (isGuest ? undefined : task.workspaceDir);
  const [tools, files] = await Promise.all([
    // Of a guest's own calls the host hears when they are made: asking for some of them would count those alone.
    createTools(isGuest ? { ...task, tools: [], counted: false } : task, end),
    bootstrapDir === undefined || task.lightContext === true
      ? []
      : readBootstrapFiles(bootstrapDir, task.bootstrapFiles ?? ["AGENTS.md"]),
  ]);
  const told = {
    role: task.role,
    sessionKey: task.sessionKey,
    workspaceDir: task.workspaceDir,
    ...(task.attachments === undefined ? {} : { attachments: task.attachments }),
    bootstrap: { files, outOfReach: task.bootstrapDir !== undefined },
  };
  const prompt = isGuest
    ? addedSystemPrompt(told)
    : systemPrompt({ ...told, toolNames: tools.map((tool) => tool.name) });
  return {
    emit: (event) => {
      // Of one that keeps the transcript itself nothing else tells.
      opened();
      end.emit(event);
    },
    get watched() {
      return end.watched;
    },
    tools,
    systemPrompt: form === undefined ? prompt : `${prompt}\n\n${form.section}`,
    transcript: transcript ?? NO_TRANSCRIPT,
    takeSteering: () => {
      const taken = steering.splice(0);
      // What isn't taken when the turn ends opens another turn: the host counts.
      if (taken.length > 0) end.post({ type: "steered", count: taken.length });
      return taken;
    },
    process: (pid, alive) => end.post({ type: "process", pid, alive }),
    refreshModel: (model) => end.request("refresh_model", { model: `${model.provider}/${model.id}` }, signal),
    modelCall: async (usage) => {
      if (task.counted !== true) return {};
      try {
        return await end.request("model_call", { usage }, signal);
      } catch (error) {
        controller.abort(error);
        throw error;
      }
    },
    answering: (tokens) => {
      if (task.counted !== true) return;
      end.request("answering", { tokens }, signal).catch((error: unknown) => {
        if (causeOf(error).code === "budget") controller.abort(error);
      });
    },
    log: (level, msg, fields) =>
      end.log({
        level,
        msg: redactText(msg),
        time: Date.now(),
        ...(fields === undefined ? {} : { fields: redact(fields) as Record<string, unknown> }),
      }),
  };
}

/** A source that is still there says that the transcript was made from it in this turn. */
function withoutFork({ forkOf: _madeBefore, ...task }: EngineTask): EngineTask {
  return task;
}

function userMessage(text: string): TranscriptMessage {
  return { role: "user", content: [{ type: "text", text }], timestamp: Date.now() };
}

function failed(cause: Cause): EngineResult {
  return { status: "error", text: "", cause, usage: noUsage() };
}

/** Stands where the engine keeps its own. */
const NO_TRANSCRIPT: Transcript = { messages: [], append: () => Promise.resolve() };
