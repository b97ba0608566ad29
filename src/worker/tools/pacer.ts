/** Long work in small slices: other runs share the thread's event loop. */

/** Call it between pieces of work; it lets the loop turn when a slice is used up. @throws the signal's reason */
export function createPacer(signal: AbortSignal): () => Promise<void> {
  let sliceStart = performance.now();
  return async () => {
    signal.throwIfAborted();
    if (performance.now() - sliceStart < SLICE_MS) return;
    await new Promise((resolve) => setImmediate(resolve));
    signal.throwIfAborted();
    sliceStart = performance.now();
  };
}

const SLICE_MS = 5;
