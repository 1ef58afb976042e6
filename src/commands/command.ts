import type { Service } from '../service/serve.ts';
import type { Terminal } from './terminal.ts';

export interface Command {
  readonly help: string;
  /** Returns the exit code, or the service that is now running. */
  readonly run: (args: readonly string[], terminal: Terminal) => Promise<number | Service>;
}
