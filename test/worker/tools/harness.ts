/** A workspace on disk with something to guard beside it, and the tools over it. */

import { linkSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { onTestFinished } from "vitest";
import type { ToolOutput } from "../../../src/host.ts";
import { createWorkerTools, WORKER_TOOL_NAMES, type WorkerToolOptions } from "../../../src/worker/tools/index.ts";

export type Harness = {
  /** The folder that holds workspace and outside. */
  base: string;
  workspace: string;
  /** A folder beside the workspace, with `canary.txt` in it. */
  outside: string;
  write(relative: string, content: string | Buffer): void;
  /** Makes a link in the workspace; undefined where the system doesn't let us. */
  symlink(target: string, relative: string, type?: "file" | "dir"): void;
  hardlink(existing: string, relative: string): void;
  call(tool: string, args: Record<string, unknown>, signal?: AbortSignal): Promise<ToolOutput>;
  /** The call's text, when it didn't fail. */
  text(tool: string, args: Record<string, unknown>): Promise<string>;
};

/** Gone when the test is over. */
export function createHarness(files: Record<string, string> = {}, options: Partial<WorkerToolOptions> = {}): Harness {
  const base = realpathSync(mkdtempSync(path.join(tmpdir(), "worker-tools-")));
  onTestFinished(() => rmSync(base, { recursive: true, force: true, maxRetries: 5 }));
  const workspace = path.join(base, "workspace");
  const outside = path.join(base, "outside");
  mkdirSync(workspace);
  mkdirSync(outside);
  writeFileSync(path.join(outside, "canary.txt"), CANARY);
  const write = (relative: string, content: string | Buffer): void => {
    const file = path.join(workspace, relative);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, content);
  };
  for (const [relative, content] of Object.entries(files)) write(relative, content);
  const tools = createWorkerTools({
    workspaceDir: workspace,
    names: [...WORKER_TOOL_NAMES],
    execTimeoutSeconds: 60,
    execEnv: execEnv(),
    onProcess: () => {},
    ...options,
  });
  const call: Harness["call"] = async (name, args, signal = new AbortController().signal) => {
    const tool = (await tools).find((one) => one.name === name);
    if (tool === undefined) throw new Error(`no tool ${name}`);
    return tool.execute("call-1", args, signal);
  };
  return {
    base,
    workspace,
    outside,
    write,
    symlink: (target, relative, type) => symlinkSync(target, path.join(workspace, relative), type),
    hardlink: (existing, relative) => linkSync(existing, path.join(workspace, relative)),
    call,
    async text(name, args) {
      const output = await call(name, args);
      if (output.isError) throw new Error(textOf(output));
      return textOf(output);
    },
  };
}

export function textOf(output: ToolOutput): string {
  return output.content.map((part) => part.text).join("\n");
}

export function codeOf(output: ToolOutput): unknown {
  return (output.details as { code?: unknown } | undefined)?.code;
}

export function execEnv(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(process.env).filter((pair): pair is [string, string] => pair[1] !== undefined),
  );
}

export const CANARY = "canary: nobody may read or change this\n";
