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
  readonly elements: ReadonlyMap<string, string>;
  readonly times: ReturnType<typeof dates>;
  readonly published: SourceDate | undefined;
  /** Elements of the feed: a new story without a date of its own gets that of its feed. */
  readonly head?: readonly XmlElement[];
}

/** A record with what is known of it besides. */
export function storyOf(record: Record<string, unknown>, { elements, times, published, head = [] }: StoryParts): Story {
  const publishedAt = assumedDate(times, () => date(head, FEED_DATES));
  const element = published?.element ?? '';
  const isUsual = element === '' || element === elements.get('publishedAt');
  return {
    record: withTitleAndBody(record),
    elements: isUsual ? elements : new Map([...elements, ['publishedAt', element]]),
    ...(publishedAt === undefined ? {} : { publishedAt }),
  };
}

const FEED_DATES = ['pubdate', 'lastbuilddate', 'dc:date', 'atom:updated', 'atom:modified'];
