import type { SingleBar } from 'cli-progress';

/** Output and environment of a command. */
export interface Terminal {
  readonly out: (line: string) => void;
  readonly err: (line: string) => void;
  /** Standard error as a stream. Progress is drawn there if it is a terminal. */
  readonly screen: NodeJS.WriteStream;
  /**
   * Sets the function that the first SIGINT or SIGTERM calls. Without one, a signal ends the process at once; a second
   * signal always does.
   */
  readonly onStop: (listener: (signal: 'SIGINT' | 'SIGTERM') => void) => void;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Version of the program. */
  readonly version: string;
}

export interface ProgressBar {
  readonly update: (done: number, total: number, rate?: string) => void;
  readonly stop: () => void;
}

/** Draws progress with the remaining time, for work of more than half a second. Draws nothing if no terminal is there. */
export function progressBar({ screen }: Terminal, work: string): ProgressBar {
  let bar: SingleBar | undefined;
  let library: typeof import('cli-progress') | undefined;
  const began = Date.now();
  if (screen.isTTY) void loadLibrary();

  async function loadLibrary(): Promise<void> {
    library = await import('cli-progress');
  }
  return {
    update(done, total, rate = '') {
      if (library === undefined || (bar === undefined && Date.now() - began < 500)) return;
      if (bar === undefined) {
        const format = `${work} {bar} {percentage} % {rate}, {eta_formatted} left`;
        bar = new library.SingleBar({ format, stream: screen, hideCursor: true, etaBuffer: 50, clearOnComplete: true });
        bar.start(total, 0, { rate });
      }
      bar.setTotal(total);
      bar.update(done, { rate });
    },
    stop: () => bar?.stop(),
  };
}

/** Draws progress for several kinds of work, each with a bar of its own. */
export function progressBars(terminal: Terminal): (work: string, done: number, total: number) => void {
  const bars = new Map<string, ProgressBar>();
  return (work, done, total) => {
    const bar = bars.get(work) ?? progressBar(terminal, work);
    bars.set(work, bar);
    bar.update(done, total);
    if (done >= total) bar.stop();
  };
}
