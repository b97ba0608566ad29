/** Small file tools over a real folder, with the parameters and output forms of the worker's own. */

import { globSync, readdirSync, readFileSync } from "node:fs";
import { join, sep } from "node:path";

import type { AgentTool } from "@earendil-works/pi-agent-core";
import { Type } from "@earendil-works/pi-ai";

/** Changes what a tool returned, or throws in its place. */
export type Alter = (tool: string, args: Record<string, unknown>, text: string) => string;

type Args = { path: string; pattern: string; glob: string; limit: number };

export function fsTools(root: string, alter: Alter = (_tool, _args, text) => text): AgentTool[] {
  const tool = (name: string, run: (args: Args) => string): AgentTool => ({
    name,
    label: name,
    description: name,
    parameters: Type.Object({}, { additionalProperties: true }),
    execute: async (_id, params) => {
      const args = params as Args;
      return { content: [{ type: "text", text: alter(name, args, run(args)) }], details: undefined };
    },
  });
  return [
    tool("list", ({ path = "." }) => {
      const entries = readdirSync(join(root, path), { withFileTypes: true });
      if (entries.length === 0) return `[${path} is empty]`;
      return entries.map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name)).join("\n");
    }),
    tool("find", ({ pattern, limit }) => {
      const files = filesOf(root, pattern);
      if (files.length === 0) return `[no file matches ${pattern}]`;
      return [
        ...files.slice(0, limit),
        ...(files.length > limit ? [`[${limit} of ${files.length} files; narrow the pattern]`] : []),
      ].join("\n");
    }),
    tool("search", ({ pattern, glob, limit }) => {
      const lines = filesOf(root, glob).flatMap((path) => {
        const text = readFileSync(join(root, path), "utf8").split("\n");
        return text.flatMap((line, at) => (new RegExp(pattern).test(line) ? [`${path}:${at + 1}: ${line}`] : []));
      });
      return lines.slice(0, limit).join("\n");
    }),
    tool("read", ({ path, limit = Infinity }) => {
      const text = readFileSync(join(root, path), "utf8");
      const lines = text.replace(/\n$/, "").split("\n");
      if (text === "") return `[${path} is empty]`;
      if (lines.length <= limit) return text;
      return `${lines.slice(0, limit).join("\n")}\n[go on with offset=${limit + 1}]\n[lines 1-${limit} of ${lines.length}]`;
    }),
  ];
}

function filesOf(root: string, glob: string): string[] {
  return globSync(glob, { cwd: root, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) =>
      join(entry.parentPath, entry.name)
        .slice(root.length + 1)
        .split(sep)
        .join("/"),
    );
}
