import type { Service } from '../service/service-process.ts';
import type { Terminal } from './terminal.ts';

export interface Command {
  readonly help: string;
  /** Resolves with the exit code, or with the service that is running now. */
  readonly run: (args: readonly string[], terminal: Terminal) => Promise<number | Service>;
}
