/** Finds the completions of children in a user message. */

export type CompletionBlock = {
  label: string;
  /** The run's id, when the head names it. */
  run?: string;
  /** Why it didn't end well, in the host's words. */
  reason?: string;
  /** `ok`, `error`, `timeout`, `killed`, `interrupted`; from the block's head, never from the child's words. */
  status: string;
  /** The child's text, untouched. */
  text: string;
};

/**
 * A block is a head with the lines `label: …` and `status: …`, then the text between a line `<<<RESULT <token>` and the
 * next line `RESULT>>> <token>` with the same token. Markers with another token are the child's text. An opening line
 * that is never closed opens nothing.
 */
export function completionBlocks(message: string): CompletionBlock[] {
  const lines = message.split("\n");
  const blocks: CompletionBlock[] = [];
  let head = 0;
  for (let at = 0; at < lines.length; at += 1) {
    const token = /^<<<RESULT (\S+)/.exec(lines[at] ?? "")?.[1];
    if (token === undefined) continue;
    const end = lines.findIndex((line, index) => index > at && closes(line, token));
    if (end === -1) continue;
    const [label, status, run, reason] = ["label", "status", "run", "reason"].map((name) =>
      headLine(lines.slice(head, at), name),
    );
    if (label !== undefined && status !== undefined) {
      blocks.push({
        label,
        status,
        run,
        reason,
        text: lines
          .slice(at + 1, end)
          .join("\n")
          .trim(),
      });
    }
    at = end;
    head = end + 1;
  }
  return blocks;
}

function closes(line: string, token: string): boolean {
  const start = `RESULT>>> ${token}`;
  return line === start || line.startsWith(`${start} `) || line === `${start}\r`;
}

function headLine(head: string[], name: string): string | undefined {
  const line = head.find((candidate) => candidate.startsWith(`${name}: `));
  return line?.slice(name.length + 2).trim();
}
