import { KINDS } from '../config/feed-keys.ts';
import { FORMATS, LATEST } from '../feed/feeds.ts';
import { meantWord, nearestWord } from '../lib/nearest-word.ts';

/** Characters. No typing mistake makes an address longer. */
const LONGEST_PATH = 500;
const FORMAT_ENDING = new RegExp(`\\.(?:${FORMATS.join('|')})$`);
const FIRST_PARTS: readonly string[] = [LATEST, ...KINDS];

/**
 * The address that a mistyped path probably means: a fixed address, or one whose folder is mistyped or missing, as in
 * `/feed/latest.rss` and `/latest.rss`. The feed itself is not looked up.
 *
 * @param addresses the fixed addresses of the service
 */
export function nearestAddress(path: string, addresses: readonly string[]): string | undefined {
  if (path.length > LONGEST_PATH) return undefined;
  const nearest = meantWord(path, addresses);
  if (nearest !== undefined) return nearest;
  const [, first = '', rest] = /^\/([^/]*)(\/.+)?$/.exec(path) ?? [];
  if (FORMAT_ENDING.test(path)) {
    const kind = first.replace(FORMAT_ENDING, '');
    if (FIRST_PARTS.includes(kind)) return `/feeds${path}`;
    if (rest !== undefined && nearestWord(first, ['feeds']) !== undefined) return `/feeds${rest}`;
  }
  const [, folder = '', more = ''] = /^(\/[^/]+\/[^/]+)(\/.+)?$/.exec(path) ?? [];
  const api = nearestWord(folder, ['/api/articles']);
  return api === undefined ? undefined : `${api}${more}`;
}
