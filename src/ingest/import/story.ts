import type { Problem } from '../../errors.ts';
import { assumedDate, type dates, type SourceDate } from './dates.ts';
import { date } from './item-elements.ts';
import type { SourceRecord, Warn } from './source-record.ts';
import { withTitleAndBody } from './story-text.ts';
import type { XmlElement } from './xml.ts';

/** What the stories of a feed are read with. */
export interface FeedContext {
  /** Elements of the feed that apply to all its stories. */
  readonly head: readonly XmlElement[];
  /** The address of the feed. */
  readonly address: string | undefined;
  /** Receives the faults of the story. */
  readonly warn: Warn;
}

export type Story = Omit<SourceRecord, 'line'>;

interface StoryParts {
  /** The names of the source's elements by the fields of a record. */
  readonly elements: ReadonlyMap<string, string>;
  readonly times: ReturnType<typeof dates>;
  readonly published: SourceDate | undefined;
  /** Whether the source has an id, and not only an address. */
  readonly hasId: boolean;
  /** Elements of the feed: a new story without a date of its own gets that of its feed. */
  readonly head?: readonly XmlElement[];
}

/** A record with what is known of it besides. */
export function storyOf(record: Record<string, unknown>, parts: StoryParts): Story {
  const { elements, times, published, hasId, head = [] } = parts;
  const publishedAt = assumedDate(times, () => date(head, FEED_DATES));
  const hasAddress = record.id !== undefined || record.url !== undefined;
  const own = new Map<string, string>();
  if (published !== undefined && published.element !== elements.get('publishedAt'))
    own.set('publishedAt', published.element);
  if (!hasId && elements.has('url')) own.set('id', elements.get('url') ?? '');
  return {
    record: withTitleAndBody(record),
    elements: own.size === 0 ? elements : new Map([...elements, ...own]),
    ...(publishedAt === undefined ? {} : { publishedAt }),
    ...(hasAddress ? {} : { problems: [noAddress(elements)] }),
  };
}

function noAddress(elements: ReadonlyMap<string, string>): Problem {
  return { field: '', rule: `must have ${elements.get('url') ?? 'url'} or ${elements.get('id') ?? 'id'}` };
}

const FEED_DATES = ['pubdate', 'lastbuilddate', 'dc:date', 'atom:updated', 'atom:modified'];
