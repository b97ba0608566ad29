import { InprocessError } from "../../errors.ts";

/** @param why what is wrong and what to do, without a full stop */
export function unusable(ref: string, why: string, cause?: unknown): InprocessError {
  return new InprocessError("model_unusable", `The model "${ref}" can't be used: ${why}.`, { cause });
}
