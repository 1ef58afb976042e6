import type { Article, Media } from '../../article/article.ts';
import { rfc3339 } from '../../lib/instant.ts';
import { oneSpaced } from '../../lib/text.ts';
import type { Dialect, DialectFeedRule, DialectItem, DialectRule } from './dialect.ts';
import { firstSentences, textOf } from './text.ts';

const AMAZON =
  'https://developer.amazon.com/en-US/docs/alexa/flashbriefing/flash-briefing-skill-api-feed-reference.html';
const MOST_ENTRIES = 5;
const MOST_AGE = 7 * 86_400_000;

/** Fewer than 4,500 characters. */
const MOST_TEXT = 4499;
/** Seconds of a sound. */
const SHORTEST = 10;
const LONGEST = 600;

const ruled = { evidence: 'D', source: AMAZON, read: '2026-11-29' } as const;

/** Amazon's voice reads the newest stories, or plays their sounds. */
export const alexaFlashBriefing: Dialect = {
  name: 'alexa-flash-briefing',
  title: 'Alexa Flash Briefing',
  status: 'live',
  warning:
    'Alexa sends no password: give it the address with the key in the path. Whether Amazon takes new skills of this kind was not verified.',
  formats: {
    json: {
      mediaType: 'application/json',
      head: () => '[\n',
      entry: (item) => JSON.stringify(briefing(item)),
      separator: ',\n',
      tail: '\n]\n',
    },
  },
  contentTypes: ['article'],
  defaults: { entries: MOST_ENTRIES, content: 'summary', age: MOST_AGE },
  withdrawal: 'leaves the feed, as Amazon asks',
  isOneLanguage: true,
  rules: rules(),
  feedRules: feedRules(),
};

function briefing({ article, content, updatedAt }: DialectItem): object {
  return {
    uid: article.publicId,
    updateDate: rfc3339(updatedAt).replace(/Z$/, '.0Z'),
    titleText: spoken(article.title),
    mainText: firstSentences(wholeText(article, content), MOST_TEXT, article.language),
    streamUrl: article.media.find((media) => isSound(media) && wrongWith(media) === undefined)?.url,
    redirectionUrl: article.url,
  };
}

function wholeText({ html, summary }: Article, content: DialectItem['content']): string {
  return spoken(content === 'full' ? textOf(html) : summary);
}

/** Plain text without the characters of tags, and without marks of direction, which no voice reads. */
function spoken(text: string): string {
  return oneSpaced(text.replace(/[<>\u200E\u200F\u202A-\u202E\u2066-\u2069]/g, ' ')).trim();
}

function isSound({ type }: Media): boolean {
  return /^audio\//i.test(type);
}

/** Why Alexa does not play a sound, as a part of a sentence. An unknown duration breaks no rule. */
function wrongWith({ url, type, duration = SHORTEST }: Media): string | undefined {
  if (!/^audio\/(?:mpeg|mp3)$/i.test(type)) return `is ${type}`;
  if (!url.startsWith('https:')) return 'has an address without https';
  if (duration < SHORTEST) return `takes ${duration} seconds`;
  return duration > LONGEST ? `takes ${duration} seconds` : undefined;
}

function rules(): DialectRule[] {
  return [
    {
      ...ruled,
      id: 'text-too-long',
      level: 'warn',
      asks: `A text has fewer than ${MOST_TEXT + 1} characters. Later sentences are left out.`,
      field: 'body',
      breach: ({ article, content }) => {
        const { length } = wholeText(article, content);
        return length > MOST_TEXT ? `The text has ${length} characters, so that its end is left out.` : undefined;
      },
    },
    {
      ...ruled,
      id: 'sound-not-played',
      level: 'warn',
      asks: `A sound is MP3 with an https address, and takes ${SHORTEST} to ${LONGEST} seconds. Without one, the text is read.`,
      field: 'media',
      breach: ({ article }) => {
        const reasons = article.media.filter(isSound).map(wrongWith);
        const first = reasons[0];
        return first === undefined || reasons.includes(undefined)
          ? undefined
          : `The sound ${first}, so that the text is read.`;
      },
    },
  ];
}

function feedRules(): DialectFeedRule[] {
  return [
    {
      ...ruled,
      id: 'more-than-five-stories',
      asks: 'A feed has one to five stories. Alexa ignores the others.',
      breach: ({ entries }) => (entries > MOST_ENTRIES ? `The feed has up to ${entries} stories.` : undefined),
    },
    {
      ...ruled,
      id: 'older-than-seven-days',
      asks: 'A feed has no story that is older than seven days. Alexa does not read it.',
      breach: ({ age = Number.POSITIVE_INFINITY }) =>
        age > MOST_AGE ? 'The feed has stories that are older.' : undefined,
    },
  ];
}
