import type { Article } from '../../article/article.ts';
import type { DialectFeedRule, DialectRule } from './dialect.ts';
import { artworkProblem, episodeFile, LEAST_ARTWORK, MOST_ARTWORK } from './podcast-file.ts';

const APPLE = {
  evidence: 'D',
  source: 'https://help.apple.com/itc/podcasts_connect/#/itcb54353390',
  read: '2026-11-29',
} as const;
const NAMESPACE = {
  evidence: 'D',
  source: 'https://github.com/Podcastindex-org/podcast-namespace/blob/main/docs/1.0.md',
  read: '2026-11-29',
} as const;

/** Bytes of a description. */
const MOST_DESCRIPTION = 4000;
/** Characters of a name. */
const MOST_NAME = 128;
const ARTWORK = `is a square of ${LEAST_ARTWORK} to ${MOST_ARTWORK} pixels, as JPEG or PNG`;
const FILE_TYPES = ['audio/x-m4a', 'audio/mpeg', 'video/quicktime', 'video/mp4', 'video/x-m4v'];

export const podcastRules: readonly DialectRule[] = [
  {
    ...APPLE,
    id: 'no-episode',
    level: 'refuse',
    asks: 'An episode has a sound or a film whose address ends in .m4a, .mp3, .mov, .mp4 or .m4v.',
    field: 'media',
    breach: ({ article }) =>
      episodeFile(article) === undefined ? 'The story has no sound or film that podcast apps play.' : undefined,
  },
  {
    ...APPLE,
    id: 'length-unknown',
    level: 'refuse',
    asks: 'The file of an episode has its length in bytes.',
    field: 'media.length',
    breach: ({ article }) => {
      const file = episodeFile(article);
      return file !== undefined && !file.length ? `The length of ${file.url} is unknown.` : undefined;
    },
  },
  {
    ...APPLE,
    id: 'type-of-file',
    level: 'warn',
    asks: `The type of a file is ${FILE_TYPES.join(', ')}.`,
    field: 'media.type',
    breach: ({ article }) => {
      const type = episodeFile(article)?.type.toLowerCase();
      return type === undefined || FILE_TYPES.includes(type) ? undefined : `The type of the file is ${type}.`;
    },
  },
  {
    ...APPLE,
    id: 'duration-unknown',
    level: 'warn',
    asks: 'An episode has its duration in seconds.',
    field: 'media.duration',
    breach: ({ article }) => {
      const file = episodeFile(article);
      return file !== undefined && file.duration === undefined ? `The duration of ${file.url} is unknown.` : undefined;
    },
  },
  {
    ...APPLE,
    id: 'description-too-long',
    level: 'warn',
    asks: `A description has at most ${MOST_DESCRIPTION} bytes.`,
    field: 'summary',
    breach: ({ article }) => {
      const length = episodeFile(article) === undefined ? 0 : Buffer.byteLength(article.summary);
      return length > MOST_DESCRIPTION ? `The summary has ${length} bytes.` : undefined;
    },
  },
  {
    ...APPLE,
    id: 'picture-of-episode',
    level: 'warn',
    asks: `The picture of an episode ${ARTWORK}. Another is left out, and apps show that of the podcast.`,
    field: 'image',
    breach: ({ article }) => {
      const { image } = article;
      if (image === undefined || episodeFile(article) === undefined) return undefined;
      const problem = artworkProblem(image);
      return problem === undefined ? undefined : `The picture ${problem}.`;
    },
  },
  {
    ...NAMESPACE,
    id: 'address-without-https',
    level: 'warn',
    asks: 'The addresses of transcripts, chapters and persons begin with https.',
    field: 'media',
    breach: ({ article }) => {
      const address = namespaceAddresses(article).find((each) => !each.startsWith('https:'));
      return address === undefined ? undefined : `The address ${address} does not begin with https.`;
    },
  },
  {
    ...NAMESPACE,
    id: 'name-too-long',
    level: 'warn',
    asks: `The name of a person has at most ${MOST_NAME} characters.`,
    field: 'media.persons',
    breach: ({ article }) => {
      const long = episodeFile(article)?.persons?.find(({ name }) => name.length > MOST_NAME);
      return long === undefined ? undefined : `The name of a person has ${long.name.length} characters.`;
    },
  },
];

function namespaceAddresses(article: Article): string[] {
  const { transcript, chapters, persons = [] } = episodeFile(article) ?? {};
  const all = [transcript?.url, chapters?.url, ...persons.flatMap(({ url, image }) => [url, image])];
  return all.filter((each) => each !== undefined);
}

export const podcastFeedRules: readonly DialectFeedRule[] = [
  {
    ...APPLE,
    id: 'no-picture',
    asks: `A podcast has a picture, which ${ARTWORK}.`,
    breach: ({ publication, podcast, picture }) => {
      if (podcast?.image === undefined && publication.icon === undefined)
        return 'The podcast has no picture: name one in podcast.image.';
      const problem = picture === undefined ? undefined : artworkProblem(picture);
      return problem === undefined ? undefined : `The picture ${problem}: name another one in podcast.image.`;
    },
  },
  {
    ...APPLE,
    id: 'language-code',
    asks: 'The language of a podcast has a code of two letters (ISO 639).',
    breach: ({ language }) =>
      /^[a-z]{2}(?:-|$)/i.test(language) ? undefined : `The language of the podcast is ${language}.`,
  },
];
