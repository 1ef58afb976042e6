import type { Publication } from '../../config/publication.ts';
import type { LogLevel } from '../../config/serve-options.ts';
import { hasKind, type SerializedError } from '../worker-messages.ts';
import type { SiteSettings } from './open-target.ts';
import type { SiteResult } from './write-site.ts';

/** What a process that exports a static site has to know. */
export interface SiteJob {
  /** The data folder, and the file of its store. */
  readonly path: string;
  readonly storeFile: string;
  /** The one in force. */
  readonly publication: Publication;
  readonly settings: SiteSettings;
  readonly version: string;
  /** Milliseconds by which the clock of the service is ahead of that of this machine. */
  readonly clockOffset: number;
  readonly logLevel: LogLevel;
}

/** From the service to the process. */
export type SiteOrder = { readonly kind: 'write'; readonly job: SiteJob } | { readonly kind: 'stop' };

/** From the process to the service. */
export type SiteReply =
  /** The process waits for `write`. */
  | { readonly kind: 'ready' }
  | { readonly kind: 'written'; readonly result: SiteResult }
  | { readonly kind: 'failed'; readonly error: SerializedError };

/** Node and its libraries use the same channel for messages of their own. */
export function isSiteOrder(message: unknown): message is SiteOrder {
  return hasKind(message, ['write', 'stop']);
}

export function isSiteReply(message: unknown): message is SiteReply {
  return hasKind(message, ['ready', 'written', 'failed']);
}
