/** `openclaw inprocess …`, read as a program reads it. */

import type { Finding } from "../../../src/adapters/openclaw/doctor.ts";
import type { Gateway } from "./gateway.ts";

export async function doctorFindings(gateway: Pick<Gateway, "cli">): Promise<Finding[]> {
  return (await jsonLines(gateway, "doctor")) as Finding[];
}

/** The JSON objects that `openclaw inprocess <args> --json` wrote, one a line. */
export async function jsonLines(gateway: Pick<Gateway, "cli">, ...args: string[]): Promise<unknown[]> {
  const { stdout, stderr } = await gateway.cli("inprocess", ...args, "--json");
  const lines = stdout.split("\n").filter((line) => line.startsWith("{"));
  if (lines.length === 0) throw new Error(`openclaw inprocess ${args.join(" ")} wrote no JSON:\n${stdout}\n${stderr}`);
  return lines.map((line) => JSON.parse(line) as unknown);
}
