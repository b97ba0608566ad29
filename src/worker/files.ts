/**
 * All of a thread that reads the user's files, as one module: built into a file of its own, apart from what speaks with
 * servers, so that whoever looks at either sees what it can do (and the scan of a plugin does look).
 */

export { readBootstrapFiles } from "./bootstrap-files.ts";
export { beginFork } from "./fork.ts";
export { createWorkerTools } from "./tools/index.ts";
export { openTranscript, type OpenTranscript } from "./transcript.ts";
