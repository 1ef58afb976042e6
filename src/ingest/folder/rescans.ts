/** Runs a rescan at once or after a delay, never two at the same time. */
export interface Rescans {
  /** Resolves when the rescan is done. While another one runs, this one is scheduled. */
  readonly startNow: () => Promise<void>;
  readonly startLater: () => void;
  readonly isScheduled: () => boolean;
  /** No rescan starts any more. */
  readonly close: () => void;
}

/**
 * @param rescan must not reject
 * @param delay milliseconds until a scheduled rescan
 */
export function createRescans(rescan: () => Promise<void>, delay: number): Rescans {
  let timer: NodeJS.Timeout | undefined;
  let isRunning = false;
  let isClosed = false;

  async function startNow(): Promise<void> {
    clearTimeout(timer);
    timer = undefined;
    if (isClosed) return;
    if (isRunning) return startLater();
    isRunning = true;
    await rescan();
    isRunning = false;
  }

  function startLater(): void {
    if (!isClosed) timer ??= setTimeout(() => void startNow(), delay).unref();
  }

  return {
    startNow,
    startLater,
    isScheduled: () => timer !== undefined,
    close() {
      isClosed = true;
      clearTimeout(timer);
    },
  };
}
