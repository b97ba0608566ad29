/** Where the runtime keeps its state: inside OpenClaw's own state folder. */
export const STATE_FOLDER = "openclaw-inprocess";
