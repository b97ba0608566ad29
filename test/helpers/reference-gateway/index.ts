/**
 * A minimal gateway that speaks the part of OpenClaw 2026.4.1's WebSocket protocol that a subagent runtime needs.
 * Its children run on this package's own engine and threads: beside the in-process runtime, the transport alone differs.
 */

export type * from "./types.ts";
export { openReferenceGateway } from "./open.ts";
export { forkReferenceGateway } from "./fork.ts";
export { refusingUrl } from "./refusing.ts";
