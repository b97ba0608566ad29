/** A tool whose arguments are a zod schema and whose result is one JSON object, both as text and as `details`. */

import { z } from "zod";
import { causeOf } from "../errors.ts";
import type { HostTool, ToolOutput } from "../host.ts";

export type JsonToolSpec<S extends z.ZodType> = {
  name: string;
  label: string;
  description: string;
  /** A constant of its module: making one, and translating it, takes longer than most calls. */
  schema: S;
  /** Makes what models write for "nothing" into nothing. @default the arguments as they are */
  tidy?(args: unknown): unknown;
  /** Rejections become `{ status: "error" }` results. */
  call(args: z.output<S>, toolCallId: string, signal: AbortSignal): Promise<Record<string, unknown>>;
  /** Whether this result ends the session's turn. @default never */
  endsTurn?(result: Record<string, unknown>): boolean;
};

export function jsonTool<S extends z.ZodType>(spec: JsonToolSpec<S>): HostTool & { label: string } {
  return {
    name: spec.name,
    label: spec.label,
    description: spec.description,
    parameters: jsonSchemaOf(spec.schema),
    async execute(toolCallId, args, signal) {
      const parsed = spec.schema.safeParse(spec.tidy?.(args) ?? args);
      if (!parsed.success)
        return jsonOutput({ status: "error", code: "params_invalid", error: sentence(spec.name, parsed.error) });
      try {
        const result = await spec.call(parsed.data, toolCallId, signal);
        return { ...jsonOutput(result), ...(spec.endsTurn?.(result) === true ? { endsTurn: true } : {}) };
      } catch (error) {
        const { code, message } = causeOf(error);
        return jsonOutput({ status: "error", code, error: message });
      }
    },
  };
}

/** A schema is translated once: every child that may spawn gets these tools, and the translation takes a millisecond. */
function jsonSchemaOf(schema: z.ZodType): Record<string, unknown> {
  let translated = translations.get(schema);
  if (translated === undefined) {
    translated = z.toJSONSchema(schema, { io: "input", target: "draft-7" });
    translations.set(schema, translated);
  }
  return translated;
}

function jsonOutput(result: Record<string, unknown>): ToolOutput {
  return { content: [{ type: "text", text: JSON.stringify(result) }], details: result };
}

/** `sessions_spawn: task: …; label: …`, every argument at fault. */
function sentence(tool: string, error: z.ZodError): string {
  const issues = error.issues.map((issue) =>
    issue.path.length === 0 ? issue.message : `${issue.path.join(".")}: ${issue.message}`,
  );
  return `${tool}: ${issues.join("; ")}`;
}

const translations = new WeakMap<z.ZodType, Record<string, unknown>>();
