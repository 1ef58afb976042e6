import { resolve } from 'node:path';
import { meantKey, normalKey } from '../../config/feed-keys.ts';
import { loadPublication, type Publication } from '../../config/publication.ts';
import { excerpt } from '../../errors.ts';
import { type FeedKey, LATEST } from '../../feed/feeds.ts';
import { publicationInForce } from '../../publish/refresh.ts';
import { hasStore, newsroomOf, storeFile } from '../../service/data-folder.ts';
import { openStoredArticles, type StoredArticles } from '../../store/sqlite/stored-articles.ts';
import { usage } from '../arguments.ts';
import { progressBar, type Terminal } from '../terminal.ts';
import { type NewsroomArticles, openArticles, type Read } from './articles.ts';
import type { CheckedArticle } from './checked.ts';
import { createDocuments } from './documents.ts';
import { checkPartners, createPartnerTallies } from './partners.ts';
import { readRecordedTargets } from './recorded-targets.ts';
import { createJsonReport, createTextReport, type Report } from './report.ts';
import { type Context, outdatedRules, type Rule, type Sighting } from './rule.ts';
import { ID_CHANGED } from './rules/identity.ts';
import { IGNORED_FILE, REFUSED_RECORD, UNRENDERABLE } from './rules/records.ts';
import { ALL_RULES, ARTICLE_RULES, DOCUMENT_RULES, NEWSROOM_RULES } from './rules.ts';
import { createSaidOnce } from './said-once.ts';
import { createSurvey, nearestFeed } from './survey.ts';

interface CheckValues {
  readonly data: string;
  readonly publicUrl: string | undefined;
  readonly json: boolean;
  readonly failOn: 'error' | 'warning';
}

/** Articles and feeds between two drawings of the progress. */
const DRAWN_TOGETHER = 100;

/**
 * Checks a newsroom: its publication, its articles, and the documents that the service makes of them. Changes nothing. Returns
 * the exit code.
 *
 * @param names the feeds to check; all if there is none
 */
export async function checkNewsroom(
  names: readonly string[],
  { data, publicUrl, json, failOn }: CheckValues,
  terminal: Terminal,
): Promise<number> {
  const path = resolve(data);
  const written = loadPublication(path);
  const stored = hasStore(path) ? openStoredArticles(storeFile(path)) : undefined;
  try {
    const servedAt = await addressOf(publicUrl, written, stored);
    // Without a feedsUrl of its own, the publication has that of the start.
    const publication = isDefault(written) && servedAt !== undefined ? loadPublication(path, servedAt) : written;
    const at = Date.now();
    const newsroom = newsroomOf(path, publication);
    const context = {
      publication,
      newsroom,
      at,
      recorded: await readRecordedTargets(path, publication),
      ...(servedAt === undefined ? {} : { servedAt }),
    };
    const articles = await openArticles({ path, newsroom, stored, at });
    const wanted = new Set(names.map(feedNamed));
    const report = json ? createJsonReport(terminal) : createTextReport(terminal);
    await check({ articles, context, wanted, report, terminal });
    report.end(outdatedRules(ALL_RULES, at));
    return report.errors() > 0 || (failOn === 'warning' && report.warnings() > 0) ? 1 : 0;
  } finally {
    await stored?.close();
  }
}

/** Where readers reach the service: by the option, else as the last start had it. */
async function addressOf(
  publicUrl: string | undefined,
  publication: Publication,
  stored: StoredArticles | undefined,
): Promise<string | undefined> {
  if (publicUrl !== undefined) return publicUrl.endsWith('/') ? publicUrl : `${publicUrl}/`;
  return stored && (await publicationInForce(stored, publication))?.feedsUrl;
}

/** Whether publication.yaml leaves feedsUrl out. */
function isDefault({ url, feedsUrl }: Publication): boolean {
  return feedsUrl === new URL('/', url).href;
}

/** The key of a feed by its name, its path or its address: `world`, `/feeds/section/world.rss`. */
function feedNamed(text: string): FeedKey {
  const path = /^https?:/.test(text) ? (URL.parse(text)?.pathname ?? text) : text;
  const key = path.replace(/^.*\/?\bfeeds\//, '').replace(/\.(?:rss|atom|json)$/, '');
  try {
    return normalKey(decodeURIComponent(key));
  } catch {
    return normalKey(key);
  }
}

interface CheckParts {
  readonly articles: NewsroomArticles;
  readonly context: Context;
  readonly wanted: ReadonlySet<FeedKey>;
  readonly report: Report;
  readonly terminal: Terminal;
}

async function check({ articles, context, wanted, report, terminal }: CheckParts): Promise<void> {
  const { publication } = context;
  const survey = createSurvey({ ...context, load: articles.load });
  const tallies = createPartnerTallies(publication);
  const findings = createFilter(wanted, report);
  const once = createSaidOnce({ ...publication, inPartnerFeeds: tallies.refs, pass: findings.add });

  function take(read: Read): void {
    if (read.kind === 'refused') {
      const { article, file, problems, isChangedId } = read;
      const broken = isChangedId ? ID_CHANGED : REFUSED_RECORD;
      for (const { rule, ...problem } of problems)
        findings.always(broken, { ...named({ id: article, file }), ...problem, message: rule });
    } else if (read.kind === 'ignored') {
      const { field, value, rule } = read.problem;
      findings.always(IGNORED_FILE, {
        file: read.file,
        field,
        ...(value === undefined ? {} : { value }),
        message: rule,
      });
    } else if (read.kind === 'renamed') survey.addRenamed(read);
    else if (read.kind === 'leaving') survey.addLeaving(read.checked);
    else look(read.checked);
  }

  function look(checked: CheckedArticle): void {
    const feeds = survey.feedsOf(checked);
    survey.add(checked, feeds);
    tallies.add(checked, feeds);
    findings.note(checked.article.id, feeds);
    if (checked.status === 'withdrawn' || checked.status === 'expired') return;
    const place = named({ id: checked.article.id, file: checked.file });
    for (const rule of ARTICLE_RULES)
      for (const sighting of distinct(rule.look(checked, context)))
        once.add(rule, { ...place, ...sighting }, checked.ref);
  }

  await withProgress('Checking articles', articles.total, terminal, articles.read(), take);
  const keys = [...survey.feeds()].filter(([, tally]) => tally.count('visible') > 0).map(([key]) => key);
  const known = [...new Set([LATEST, ...publication.feeds.map(({ id }) => id), ...keys])];
  requireKnown(wanted, known);
  const unrenderable = new Set<string>();
  const documents = createDocuments({
    ...context,
    survey,
    load: articles.load,
    onUnrenderable(article, format, error) {
      if (unrenderable.has(article)) return;
      unrenderable.add(article);
      const reason = error instanceof Error ? error.message : String(error);
      findings.add(UNRENDERABLE, {
        article,
        field: '',
        message: `cannot be expressed as ${format}: ${excerpt(reason)}`,
      });
    },
  });
  const surveyed = { ...context, linked: await documents.linked() };
  for (const rule of NEWSROOM_RULES)
    for await (const sighting of rule.survey(survey, surveyed)) findings.add(rule, sighting);
  await checkPartners({ ...context, tallies, load: documents.load, add: once.addOfPartner });
  once.end();
  const checked = known.filter((key) => wanted.size === 0 || wanted.has(key));
  await withProgress('Checking feeds', checked.length, terminal, checked, async (feed) => {
    for (const document of await documents.of(feed))
      for (const rule of DOCUMENT_RULES)
        for (const sighting of rule.inspect(document, context)) findings.add(rule, sighting);
  });
  findings.end();
}

/** A body may show one picture twice: that is one mistake. */
function* distinct(sightings: Iterable<Sighting>): Iterable<Sighting> {
  let seen: Set<string> | undefined;
  for (const sighting of sightings) {
    seen ??= new Set();
    const { field, value = '', message } = sighting;
    const name = `${field}\n${value}\n${message}`;
    if (seen.has(name)) continue;
    seen.add(name);
    yield sighting;
  }
}

function named({ id, file }: { readonly id: string | undefined; readonly file: string | undefined }) {
  return { ...(id === undefined ? {} : { article: id }), ...(file === undefined ? {} : { file }) };
}

async function withProgress<Item>(
  work: string,
  total: number,
  terminal: Terminal,
  items: AsyncIterable<Item> | Iterable<Item>,
  take: (item: Item) => void | Promise<void>,
): Promise<void> {
  const bar = progressBar(terminal, work);
  let done = 0;
  try {
    for await (const item of items) {
      await take(item);
      done += 1;
      if (done % DRAWN_TOGETHER === 0) bar.update(Math.min(done, total), total);
    }
  } finally {
    bar.stop();
  }
}

/** @throws PublisherError `usage` for a feed that is not there */
function requireKnown(wanted: ReadonlySet<FeedKey>, known: readonly FeedKey[]): void {
  for (const key of wanted) {
    if (known.includes(key)) continue;
    const meant = meantKey(key);
    const nearest = meant !== undefined && known.includes(meant) ? meant : nearestFeed(key, known);
    throw usage(`There is no feed “${excerpt(key)}”${nearest === undefined ? '' : `: the nearest is ${nearest}`}.`);
  }
}

interface Filter {
  /** Adds what is about a feed, or an article of one, that is to be checked. */
  readonly add: (rule: Rule, sighting: Sighting) => void;
  /** Adds what may be about any feed. */
  readonly always: (rule: Rule, sighting: Sighting) => void;
  /** Notes in which feeds an article is. */
  readonly note: (article: string, feeds: readonly FeedKey[]) => void;
  /** Call this when all feeds are known to be there. */
  readonly end: () => void;
}

/** Passes findings on. Where only some feeds are checked, they wait until it is known that these feeds are there. */
function createFilter(wanted: ReadonlySet<FeedKey>, report: Report): Filter {
  const add: Filter['add'] = (rule, sighting) => report.add({ rule, ...sighting });
  if (wanted.size === 0) return { add, always: add, note: () => {}, end: () => {} };
  const articles = new Set<string>();
  const waiting: (() => void)[] = [];
  const always: Filter['always'] = (rule, sighting) => void waiting.push(() => add(rule, sighting));
  return {
    always,
    add(rule, sighting) {
      const { feed, article } = sighting;
      if (feed === undefined ? article !== undefined && articles.has(article) : wanted.has(feed))
        always(rule, sighting);
    },
    note(article, feeds) {
      if (feeds.some((feed) => wanted.has(feed))) articles.add(article);
    },
    end() {
      for (const report of waiting) report();
    },
  };
}
