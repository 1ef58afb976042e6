import { data, databaseUrl, publicUrl, sanitizeFastPath } from './common-options.ts';
import type { Options } from './option.ts';
import { integer, interval, onOff, text } from './option-values.ts';

/** The options of the import of feeds, records and archives of other systems. */
export const importOptions = {
  data,
  databaseUrl,
  publicUrl: {
    ...publicUrl,
    defaultHelp: 'that of the last start, else feedsUrl in publication.yaml',
    help: 'Public address of the service, for all links.',
  },
  dryRun: {
    option: '--dry-run',
    kind: onOff,
    default: 'off',
    help: 'Report what the import would do, and change nothing.',
  },
  all: {
    option: '--all',
    kind: onOff,
    default: 'off',
    help: 'Read all pages of a feed: rel="next", prev-archive (RFC 5005), next_url (JSON Feed), ?paged= (WordPress).',
  },
  maxPages: {
    option: '--max-pages',
    needs: '--all',
    placeholder: 'NUMBER',
    kind: integer(1, 100_000),
    default: '1000',
    help: 'Most pages of one feed that --all reads.',
  },
  every: {
    option: '--every',
    placeholder: 'TIME',
    kind: interval,
    defaultHelp: 'once',
    help: 'Import addresses again and again at this interval, until the import is stopped. Only what has changed is downloaded.',
  },
  media: {
    option: '--media',
    kind: onOff,
    default: 'off',
    help: 'Copy the pictures of stories into media/imported/, and publish the copies. Use it in every import of the source.',
  },
  mediaMb: {
    option: '--media-mb',
    needs: '--media',
    placeholder: 'NUMBER',
    kind: integer(1, 1000),
    default: '20',
    help: 'Most megabytes of a picture that --media copies.',
  },
  mediaCount: {
    option: '--media-count',
    needs: '--media',
    placeholder: 'NUMBER',
    kind: integer(1, 10_000_000),
    default: '10000',
    help: 'Most pictures that --media downloads in one import. The next import goes on.',
  },
  allowPrivate: {
    option: '--allow-private',
    kind: onOff,
    default: 'off',
    help: 'Follow redirects, links to feeds and pages, and addresses of pictures into private networks. Without it, only an address that you type, and what it names, may be in one.',
  },
  rejected: {
    option: '--rejected',
    placeholder: 'FILE',
    kind: text,
    default: 'rejected.ndjson',
    help: 'File for refused records. Fix them there and import the file. An existing file is kept unless you import it: the next free name is used, such as rejected-2.ndjson.',
  },
  report: {
    option: '--report',
    placeholder: 'FILE',
    kind: text,
    defaultHelp: 'none',
    help: 'File for the whole report as JSON, also of a dry run: counts, notes, and every refused record with its title and problems. With --every, the report of the last import with news.',
  },
  sanitizeFastPath,
} as const satisfies Options;
