import type { SingleBar } from 'cli-progress';
import { visibleControls } from '../lib/text.ts';

/** Output and environment of a command. */
export interface Terminal {
  readonly out: (line: string) => void;
  /** Whether standard output is a terminal, where a person reads it. */
  readonly isInteractive?: boolean;
  readonly err: (line: string) => void;
  /** Standard error as a stream. Progress is drawn there if it is a terminal. */
  readonly screen: NodeJS.WriteStream;
  /**
   * Sets the function that the first SIGINT or SIGTERM calls. Without one, a signal ends the process at once; a second
   * signal always does.
   */
  readonly onStop: (listener: (signal: 'SIGINT' | 'SIGTERM') => void) => void;
  /** Sets the function that SIGHUP calls, unless the terminal of the program was closed. Missing where nothing sends it. */
  readonly onReload?: (listener: () => void) => void;
  /** Standard input; missing where nobody can be asked. */
  readonly input?: () => NodeJS.ReadableStream & { readonly isTTY?: boolean };
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Version of the program. */
  readonly version: string;
}

/** Returns a terminal whose lines show control characters as escapes. Progress is drawn on the screen itself. */
export function withVisibleControls(terminal: Terminal): Terminal {
  return {
    ...terminal,
    out: (line) => terminal.out(visibleControls(line)),
    err: (line) => terminal.err(visibleControls(line)),
  };
}

/** Returns a number with its noun: `1 feed`, `2 feeds`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

export interface ProgressBar {
  /** @param total undefined if it is unknown, so that no end can be estimated */
  readonly update: (done: number, total: number | undefined, rate?: string) => void;
  readonly stop: () => void;
}

/** Milliseconds of work before it is drawn. */
const SHORT_WORK = 500;

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
      const elapsed = Date.now() - began;
      if (library === undefined || (bar === undefined && elapsed < SHORT_WORK)) return;
      const left = timeLeft({ done, total, elapsed });
      const payload = { details: [rate, left].filter((text) => text !== '').join(', ') };
      const most = Math.max(total ?? 0, done, 1);
      if (bar === undefined) {
        const format = total === undefined ? `${work} {details}` : `${work} {bar} {percentage} % {details}`;
        bar = new library.SingleBar({ format, stream: screen, hideCursor: true, clearOnComplete: true });
        bar.start(most, done, payload);
      }
      bar.setTotal(most);
      bar.update(done, payload);
    },
    stop: () => bar?.stop(),
  };
}

/** Estimates by all work so far: `1m05s left`. Empty without an estimate. */
export function timeLeft({
  done,
  total = 0,
  elapsed,
}: {
  done: number;
  total?: number | undefined;
  elapsed: number;
}): string {
  if (done <= 0 || total <= 0) return '';
  const seconds = Math.ceil((elapsed * Math.max(0, total - done)) / done / 1000);
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  if (hours > 0) return `${hours}h${String(minutes).padStart(2, '0')}m left`;
  return minutes > 0 ? `${minutes}m${String(seconds % 60).padStart(2, '0')}s left` : `${seconds}s left`;
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
