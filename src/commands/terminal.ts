import type { SingleBar } from 'cli-progress';

/** Where a command speaks, and what it is told by its surroundings. */
export interface Terminal {
  readonly out: (line: string) => void;
  readonly err: (line: string) => void;
  /** Standard error as a stream, where progress is drawn if somebody watches. */
  readonly screen: NodeJS.WriteStream;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** This program's version. */
  readonly version: string;
}

export interface ProgressBar {
  readonly update: (done: number, total: number, rate?: string) => void;
  readonly stop: () => void;
}

/** A bar with the time that is left, for work that takes more than a moment. Nothing where nobody watches. */
export function progressBar({ screen }: Terminal, what: string): ProgressBar {
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
        const format = `${what} {bar} {percentage} % {rate}, {eta_formatted} left`;
        bar = new library.SingleBar({ format, stream: screen, hideCursor: true, etaBuffer: 50, clearOnComplete: true });
        bar.start(total, 0, { rate });
      }
      bar.setTotal(total);
      bar.update(done, { rate });
    },
    stop: () => bar?.stop(),
  };
}

/** A bar for each thing that takes long, by its name. */
export function progressBars(terminal: Terminal): (what: string, done: number, total: number) => void {
  const bars = new Map<string, ProgressBar>();
  return (what, done, total) => {
    const bar = bars.get(what) ?? progressBar(terminal, what);
    bars.set(what, bar);
    bar.update(done, total);
    if (done >= total) bar.stop();
  };
}
