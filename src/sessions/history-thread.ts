/** The helper thread that reads transcripts: they can be long, and reading and cutting them would stall a gateway's loop. */

import { parentPort } from "node:worker_threads";

import { messageOf } from "../errors.ts";
import type { HistoryAnswer, HistoryQuestion } from "./history-reader.ts";
import { viewHistory } from "./history-view.ts";
import { readTranscript } from "./transcript-file.ts";

parentPort?.on("message", ({ id, path, window }: HistoryQuestion) => {
  let answer: HistoryAnswer;
  try {
    answer = { id, view: viewHistory(readTranscript(path), window) };
  } catch (error) {
    answer = { id, error: messageOf(error) };
  }
  parentPort?.postMessage(answer);
});
