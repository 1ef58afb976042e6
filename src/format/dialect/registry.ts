// `npm run dialects` writes this file: it has every `export const NAME: Dialect` of this folder.
import type { DialectName } from '../../feed/dialects.ts';
import { alexaFlashBriefing } from './alexa-flash-briefing.ts';
import { appleNews } from './apple-news.ts';
import type { Dialect } from './dialect.ts';
import { feedly } from './feedly.ts';
import { flipboard } from './flipboard.ts';
import { googleNews } from './google-news.ts';
import { licensedPull } from './licensed-pull.ts';
import { line } from './line.ts';
import { msn } from './msn.ts';
import { newsbreak } from './newsbreak.ts';
import { ninjs } from './ninjs.ts';
import { ninjs22 } from './ninjs-2.2.ts';
import { plain } from './plain.ts';
import { podcast } from './podcast.ts';
import { smartnews } from './smartnews.ts';
import { summary } from './summary.ts';
import { yahoo } from './yahoo.ts';

/** Every dialect by its name. */
export const DIALECTS_BY_NAME: Readonly<Record<DialectName, Dialect>> = {
  plain,
  summary,
  'licensed-pull': licensedPull,
  msn,
  smartnews,
  flipboard,
  yahoo,
  line,
  newsbreak,
  feedly,
  'apple-news': appleNews,
  'google-news': googleNews,
  'alexa-flash-briefing': alexaFlashBriefing,
  podcast,
  ninjs,
  'ninjs-2.2': ninjs22,
};
