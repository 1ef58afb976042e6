import { excerpt, type Problem } from '../../errors.ts';
import { type FeedKey, FORMATS, type Format } from '../../feed/feeds.ts';
import { normalKey } from '../feed-keys.ts';
import { parseFrom } from './pattern.ts';
import type { RedirectTable, Target } from './redirect-table.ts';
import { formatOf, MAX_PATTERNS, redirectOf, TOO_MANY_PATTERNS } from './redirects.ts';

/**
 * The lines of redirects.txt, one for each old address: `/category/world/feed/ section/world`. A third word names a format, and
 * 410 in the place of the feed says that the address is gone. `#` begins a comment.
 */

/** A redirect as a line of the file. */
export interface RecordedRedirect {
  readonly from: string;
  /** Undefined for an address that is gone. */
  readonly to: FeedKey | undefined;
}

const GONE = '410';
/** Problems that are kept: a file of another kind has one in every line. */
const MAX_PROBLEMS = 20;

/** Adds lines to a table. Problems have the numbers of their lines. */
export function createLineReader(table: RedirectTable): {
  readonly add: (line: string, number: number) => void;
  readonly problems: readonly Problem[];
} {
  const problems: Problem[] = [];
  let patterns = 0;
  /** Many addresses lead to one feed. */
  const targets = new Map<string, Target>();

  function targetOf(to: string, format: Format): Target {
    if (to === GONE) return 'gone';
    const name = `${to} ${format}`;
    const known = targets.get(name);
    if (known !== undefined) return known;
    const target = { key: normalKey(to), format };
    targets.set(name, target);
    return target;
  }

  function add(line: string, number: number): void {
    const rule = ruleBrokenBy(line);
    if (rule !== undefined && problems.length < MAX_PROBLEMS)
      problems.push({ field: '', value: excerpt(line), rule, line: number });
  }

  function ruleBrokenBy(line: string): string | undefined {
    const [from = '', to, format, ...others] = wordsIn(line);
    if (from === '') return undefined;
    if (to === undefined || others.length > 0)
      return 'must be an address, a feed and perhaps a format, with spaces between';
    if (format !== undefined && !isFormat(format)) return `must name a format behind the feed: ${FORMATS.join(', ')}`;
    const source = parseFrom(from);
    if (typeof source === 'string') return source;
    if ('pattern' in source) {
      patterns += 1;
      if (patterns > MAX_PATTERNS) return TOO_MANY_PATTERNS;
    }
    const redirect =
      'pattern' in source
        ? redirectOf(source, to === GONE ? undefined : to, format)
        : { ...source, target: targetOf(to, format ?? formatOf(source)) };
    return table.add(redirect) === 'too many queries' ? 'is a path with too many different queries' : undefined;
  }

  return { add, problems };
}

function isFormat(text: string): text is Format {
  return FORMATS.some((format) => format === text);
}

function wordsIn(line: string): string[] {
  const trimmed = line.trim();
  return trimmed === '' || trimmed.startsWith('#') ? [] : trimmed.split(/\s+/, 4);
}

/** The old address in a line; undefined if it has none. */
export function addressIn(line: string): string | undefined {
  return wordsIn(line)[0];
}

export function recordedLine({ from, to }: RecordedRedirect): string {
  return `${from} ${to ?? GONE}\n`;
}
