import {
  inputSchema,
  type JsonSchema,
  type Meanings,
  withMeanings,
  withNumbers,
  withOtherForms,
} from '../lib/json-schema.ts';
import { publicationSchema, TEXT_FIELDS } from './publication.ts';

const LANGUAGES = { examples: ['en', 'ckb', 'pt-BR'] };
const feedKeys = (which: string) => ({
  description: `The feed has the articles that are in ${which} of these feeds: section/…, tag/…, author/…, language/… or latest.`,
});

/** What the fields of publication.yaml mean. The schema that reads the file gives their types and defaults. */
const MEANINGS: Meanings = new Map(
  Object.entries({
    title: { description: 'The name at the top of every feed.' },
    url: {
      description: 'The newspaper’s own site. Relative addresses in articles are completed with it.',
      examples: ['https://www.example.com'],
    },
    feedsUrl: {
      description: 'The public address of this service; PUBLIC_URL wins over it. By default the root of `url`.',
      examples: ['https://feeds.example.com'],
    },
    description: { description: 'One or two sentences about the publication.' },
    language: { description: 'The language of articles that name none (BCP 47).', ...LANGUAGES },
    copyright: { description: 'The holder of the rights, for articles that name none.' },
    license: { description: 'The address of the license, for articles that name none.' },
    terms: { description: 'What search engines and AI systems may do with the text. docs/terms.md has the rules.' },
    'terms.license': { description: 'The license: its address, or `url` and `name`.' },
    'terms.license.url': { description: 'The address of the license.' },
    'terms.license.name': { description: 'The name of the license.' },
    'terms.search': { description: 'Whether search engines may index the text.' },
    'terms.aiAnswers': { description: 'Whether AI systems may use the text for their answers.' },
    'terms.aiTraining': { description: 'Whether AI systems may be trained with the text.' },
    'terms.dataMining': { description: 'Whether programs may mine the text for data.' },
    'terms.contact': { description: 'Whom to ask. `ask` needs an email or a url.' },
    'terms.contact.name': { description: 'The name of the contact.' },
    'terms.contact.email': { description: 'The e-mail address of the contact.' },
    'terms.contact.url': { description: 'A page that says how to ask.' },
    'terms.payment': { description: 'What the uses cost.' },
    'terms.payment.type': { description: 'For what, or how, a use is paid.' },
    'terms.payment.amount': { description: 'The price.', examples: [0.015] },
    'terms.payment.currency': { description: 'The currency of the price (ISO 4217).', examples: ['EUR', 'IQD', 'USD'] },
    'terms.payment.standard': { description: 'The address of a standard licence or agreement.' },
    'terms.contentUsage': { description: 'Whether answers have the header Content-Usage (AIPREF), which is a draft.' },
    icon: {
      description: 'A square picture. `/media/…` is a file in the data folder’s media/.',
      examples: ['/media/icon.png'],
    },
    logo: { description: 'A wide picture. `/media/…` is a file in the data folder’s media/.' },
    favicon: { description: 'A small square picture. `/media/…` is a file in the data folder’s media/.' },
    accentColor: {
      description: 'The colour of the pages, and a hint for readers. In quotation marks: a bare # begins a comment.',
      examples: ['#1a5f7a'],
    },
    timeZone: {
      description: 'The zone of dates on pages, and of the days in charts (IANA).',
      default: 'UTC',
      examples: ['Asia/Baghdad'],
    },
    contact: { description: 'The newsroom, for readers.' },
    'contact.name': { description: 'The name of the newsroom or of its editor.' },
    'contact.email': { description: 'The e-mail address.' },
    maxAge: {
      description:
        'Seconds for which a reader or a cache may keep a feed. Copies expire at wall-clock multiples of it.',
    },
    media: {
      description:
        'Which files in media/ are served: `named`, those that a visible story or this file names, or `public`, all.',
    },
    entries: { description: 'Articles in a feed, newest first.' },
    tombstoneDays: { description: 'Days for which feeds tell of a withdrawal.' },
    auditDays: { description: 'Days for which the history of articles is kept.' },
    deliveryDays: { description: 'Days for which the deliveries to partners are recorded.' },
    feeds: { description: 'Feeds of your own, besides latest, section/…, tag/…, author/… and language/….' },
    'feeds.id': {
      description:
        'The address of the feed: /feeds/{id}.rss, .atom and .json. Never use an id again for another purpose.',
      examples: ['rivers'],
    },
    'feeds.title': { description: 'The name of the feed.' },
    'feeds.description': { description: 'One or two sentences about the feed.' },
    'feeds.language': { description: 'The language of the feed, if it is not the publication’s.', ...LANGUAGES },
    'feeds.entries': { description: 'Articles in this feed.' },
    'feeds.content': { description: '`full`, the whole story (the default), or `summary`, the standfirst.' },
    'feeds.select': { description: 'The articles of the feed. Without it, every article.' },
    'feeds.select.any': feedKeys('at least one'),
    'feeds.select.all': feedKeys('all'),
    'feeds.select.none': feedKeys('none'),
    retired: { description: 'Feeds that are gone. Keep these lines for as long as you can.' },
    'retired.feed': { description: 'The feed that is gone.', examples: ['section/sport'] },
    'retired.movedTo': { description: 'The feed to which readers are redirected. Without it, they get 410.' },
    redirects: { description: 'Old addresses of feeds. At most 1,000 of them are patterns.' },
    'redirects.from': {
      description: 'A path, with a query or without, or a whole address. {slug} stands for a part of the path.',
      examples: ['/news.xml', '/rubrik/{slug}/feed'],
    },
    'redirects.to': {
      description: 'The feed, with the names of `from` in it. Without it, the address is gone (410).',
      examples: ['latest', 'section/{slug}'],
    },
    'redirects.format': { description: 'The format of the feed. By default what the address names, otherwise rss.' },
    builtInRedirects: {
      description: 'The earlier systems whose addresses the service knows: a list, or `off`. By default all.',
    },
    pages: { description: 'The pages for people: settings, or `off`.' },
    'pages.mediaHosts': {
      description: 'Other hosts whose pictures, sounds and players the pages may load.',
      examples: [['media.example.com']],
    },
    'pages.texts': { description: 'Texts of the pages instead of those of the service, by language and name.' },
    origins: {
      description: 'Origins of web pages that may use the API.',
      examples: [['https://cms.example.com']],
    },
  }),
);

/** The JSON Schema of publication.yaml, for editors. It takes what `parsePublication` takes, and refuses what it refuses, but for
 * limits of length and rules that concern several fields. */
export function publicationFileSchema(): JsonSchema {
  const { $schema, ...schema } = withOtherForms(
    withNumbers(withMeanings(inputSchema(publicationSchema), MEANINGS), (field) => TEXT_FIELDS.has(field)),
  );
  return {
    $schema,
    title: 'publication.yaml of Feed Publisher',
    description: 'The publisher, its addresses and terms, and the feeds of its own. docs/configure.md has all rules.',
    ...schema,
  };
}
