import { hash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { SaxesParser } from 'saxes';
import { ERASED, GONE, type Ledger, type ListedState } from './ledger.ts';
import { SECTIONS, sectionOf } from './load.ts';
import type { Asked, Program } from './program.ts';

interface Listed {
  readonly id: string;
  readonly publicId: string;
  readonly revision: number;
  readonly status: string;
  readonly withdrawn?: { readonly reason?: string };
  readonly erased?: boolean;
  /** Without text if the article is erased. */
  readonly record: { readonly title: string; readonly body: string; readonly sections: readonly string[] };
}

/** Milliseconds until files that the service does not read are an error. */
const LONGEST_WAIT = 60_000;

/** What a feed contains: the story of each entry by its id, and the ids of withdrawn articles. */
interface FeedContent {
  readonly stories: ReadonlyMap<string, string>;
  readonly withdrawn: readonly string[];
}

/** What readers have seen of the feeds of a store, over all its lives. */
export interface FeedMemory {
  readonly note: (address: string, answer: Asked) => void;
  /** ETags that named other bytes before, and dates that went back, in words. */
  readonly wrong: readonly string[];
}

export function createFeedMemory(): FeedMemory {
  const bodies = new Map<string, string>();
  const dates = new Map<string, number>();
  const wrong: string[] = [];
  return {
    wrong,
    note(address, { status, headers: { etag, 'last-modified': date }, body }) {
      if (status !== 200) return;
      const tag = `${address} ${etag}`;
      const digest = hash('sha256', body, 'base64');
      if ((bodies.get(tag) ?? digest) !== digest) wrong.push(`${tag}: named other bytes before`);
      bodies.set(tag, digest);
      const modified = Date.parse(String(date));
      const before = dates.get(address) ?? 0;
      // The answers to two requests may come in another order than they were made.
      if (!(modified >= before)) wrong.push(`${address}: was modified at ${date}, and before at ${new Date(before)}`);
      dates.set(address, modified);
    },
  };
}

interface Question {
  readonly ledger: Ledger;
  readonly feeds: FeedMemory;
  /** Of the articles that are there, the ids to compare one by one. */
  readonly ids: (there: ReadonlyMap<string, ListedState>) => readonly string[];
}

/**
 * Lists all articles, and describes what differs from what was acknowledged, and each contradiction in and between the list,
 * the articles, their histories and the feeds.
 */
export async function inspect(program: Program, { ledger, feeds, ids }: Question) {
  const wrong: string[] = [];
  const listed = await wholeList(program, wrong);
  const there = new Map(listed.map((item) => [item.id, { revision: item.revision, stamp: stampOf(item, wrong) }]));
  if (there.size !== listed.length) wrong.push('the list has an article twice');
  const chosen = ids(there);
  await Promise.all(chosen.map((id) => compareArticle(program, id, listed, wrong)));
  await Promise.all(chosen.map((id) => compareHistory(program, id, { listed, ledger }, wrong)));
  await compareFeeds(program, listed, feeds, wrong);
  wrong.push(...ledger.wrongWith(there), ...feeds.wrong);
  return { there, wrong, lastRevision: listed.at(-1)?.revision ?? 0 };
}

/** Waits until the service has read all files. An article that stays wrong is found by `inspect`. */
export async function filesRead(program: Program, ledger: Ledger): Promise<void> {
  const end = performance.now() + LONGEST_WAIT;
  const isRead = async () => {
    const wrong: string[] = [];
    const listed = await wholeList(program, wrong);
    const there = new Map(listed.map((item) => [item.id, { revision: item.revision, stamp: stampOf(item, wrong) }]));
    return ledger.wrongWith(there).length === 0;
  };
  while (!(await isRead()) && performance.now() < end) await sleep(20);
}

/** The whole list, in pages whose size divides no other size in these tests. */
async function wholeList(program: Program, wrong: string[]): Promise<Listed[]> {
  const listed: Listed[] = [];
  for (let cursor: string | undefined = '0'; cursor !== undefined; ) {
    const { text } = await program.ask(`/api/articles?limit=37&cursor=${cursor}`);
    const page = JSON.parse(text) as { readonly articles: readonly Listed[]; readonly cursor?: string };
    listed.push(...page.articles);
    cursor = page.cursor;
  }
  listed.forEach(({ id, revision }, index) => {
    const before = listed[index - 1]?.revision ?? 0;
    if (revision <= before) wrong.push(`the list has ${id} at revision ${revision} after ${before}`);
  });
  return listed;
}

/** The stamp of an article. Every part of the article must carry the same one. */
function stampOf({ id, status, withdrawn, erased, record }: Listed, wrong: string[]): string {
  if (erased === true) {
    if (status !== 'withdrawn' || record.title !== undefined) wrong.push(`${id}: is erased, and has a text`);
    return ERASED;
  }
  const [, stamp = ''] = /^Story (p\d+)$/.exec(record.title) ?? [];
  const section = sectionOf(Number(stamp.slice(1)));
  const stamps = new Set(record.body.replace(/<[^>]*>/g, '').match(/\S+/g));
  if (stamps.size !== 1 || !stamps.has(stamp) || record.sections[0] !== section) {
    wrong.push(`${id}: is half there: ${JSON.stringify(record).slice(0, 200)}`);
  }
  return status === 'withdrawn' ? (withdrawn?.reason ?? GONE) : stamp;
}

async function compareArticle(program: Program, id: string, listed: readonly Listed[], wrong: string[]): Promise<void> {
  const { status, text } = await program.ask(`/api/articles/${id}`);
  const item = listed.find((other) => other.id === id);
  if (item === undefined && status === 404) return;
  if (status !== 200 || JSON.stringify(item) !== JSON.stringify(JSON.parse(text))) {
    wrong.push(`${id}: GET answers ${status} ${text.slice(0, 200)}, the list ${JSON.stringify(item)?.slice(0, 200)}`);
  }
}

interface Past {
  readonly what: string;
  readonly revision: number;
  readonly by?: { readonly kind: string };
}

/** The history (audit) ends with the article's revision and state, and has every acknowledged change. */
async function compareHistory(
  program: Program,
  id: string,
  { listed, ledger }: { readonly listed: readonly Listed[]; readonly ledger: Ledger },
  wrong: string[],
): Promise<void> {
  const item = listed.find((other) => other.id === id);
  if (item === undefined) return;
  const { status, text } = await program.ask(`/api/articles/${id}?view=history`);
  const { history = [] } = status === 200 ? (JSON.parse(text) as { readonly history?: readonly Past[] }) : {};
  const revisions = history.map(({ revision }) => revision);
  const last = history.at(-1);
  if (last?.revision !== item.revision || /^(withdrawn|erased)$/.test(last.what) !== (item.status === 'withdrawn')) {
    wrong.push(`${id}: is ${item.status} at revision ${item.revision}, its history ends with ${JSON.stringify(last)}`);
  }
  if (revisions.some((revision, index) => revision <= (revisions[index - 1] ?? 0))) {
    wrong.push(`${id}: its history goes back: ${revisions.join(', ')}`);
  }
  const byKey = new Set(history.filter(({ by }) => by?.kind === 'key').map(({ revision }) => revision));
  const lost = ledger.revisionsOf(id).filter((revision) => revision >= (revisions[0] ?? 0) && !byKey.has(revision));
  if (lost.length > 0) wrong.push(`${id}: its history lacks acknowledged revisions: ${lost.join(', ')}`);
}

async function compareFeeds(
  program: Program,
  listed: readonly Listed[],
  memory: FeedMemory,
  wrong: string[],
): Promise<void> {
  const feeds = ['latest', ...SECTIONS.map((section) => `section/${section}`)];
  for (const feed of feeds) {
    const members = listed.filter((item) => feed === 'latest' || feed.endsWith(`/${mainSection(item)}`));
    const live = members.filter(({ status }) => status === 'visible');
    const gone = members.filter(({ status }) => status === 'withdrawn').map(({ publicId }) => publicId);
    const stories = new Map(live.map(({ publicId, record }) => [publicId, `${record.title} ${storyIn(record.body)}`]));
    for (const format of ['rss', 'atom', 'json'] as const) {
      const address = `/feeds/${feed}.${format}`;
      const answer = await program.ask(address);
      const { status, text } = answer;
      memory.note(address, answer);
      if (status === 404 && members.length === 0 && feed !== 'latest') continue;
      if (status !== 200) wrong.push(`${feed}.${format}: is answered ${status}`);
      else compareFeed(`${feed}.${format}`, readFeed(format, text), { stories, withdrawn: gone }, wrong);
    }
  }
}

function mainSection({ id, erased, record }: Listed): string | undefined {
  return erased === true ? sectionOf(Number(id.slice(1))) : record.sections[0];
}

function compareFeed(name: string, content: FeedContent, expected: FeedContent, wrong: string[]): void {
  for (const id of new Set([...content.stories.keys(), ...expected.stories.keys()])) {
    const [is, should] = [content.stories.get(id), expected.stories.get(id)];
    if (is !== should) wrong.push(`${name}: has ${is?.slice(0, 40)} as ${id}, and should have ${should?.slice(0, 40)}`);
  }
  const withdrawn = [...content.withdrawn].sort().join(' ');
  if (!name.endsWith('.rss') && withdrawn !== [...expected.withdrawn].sort().join(' ')) {
    wrong.push(`${name}: has ${withdrawn} as withdrawn, and should have ${[...expected.withdrawn].sort().join(' ')}`);
  }
}

function storyIn(html: string): string {
  return html.replace(/<[^>]*>/g, '').trim();
}

export function readFeed(format: 'rss' | 'atom' | 'json', text: string): FeedContent {
  return READERS[format](text);
}

const READERS: Readonly<Record<'rss' | 'atom' | 'json', (text: string) => FeedContent>> = {
  rss: (text) => readXml(text, { entry: 'item', id: 'guid', body: 'content:encoded' }),
  atom: (text) => readXml(text, { entry: 'entry', id: 'id', body: 'content' }),
  json(text) {
    const { items, _tombstones = { items: [] } } = JSON.parse(text) as {
      readonly items: readonly { readonly id: string; readonly title: string; readonly content_html: string }[];
      readonly _tombstones?: { readonly items: readonly { readonly id: string }[] };
    };
    return {
      stories: new Map(items.map((item) => [item.id, `${item.title} ${storyIn(item.content_html)}`])),
      withdrawn: _tombstones.items.map(({ id }) => id),
    };
  },
};

/** Throws if the document is not well-formed. */
function readXml(
  text: string,
  names: { readonly entry: string; readonly id: string; readonly body: string },
): FeedContent {
  const stories = new Map<string, string>();
  const withdrawn: string[] = [];
  const path: string[] = [];
  let fields: Record<string, string> = {};
  const parser = new SaxesParser({ xmlns: true });
  parser.on('error', (error) => {
    throw error;
  });
  parser.on('opentag', ({ name, attributes }) => {
    path.push(name);
    if (name === names.entry) fields = {};
    if (name === 'at:deleted-entry') withdrawn.push(String(attributes.ref?.value));
  });
  const collect = (part: string) => {
    const name = path.at(-1) ?? '';
    if (path.at(-2) === names.entry) fields[name] = (fields[name] ?? '') + part;
  };
  parser.on('text', collect);
  parser.on('cdata', collect);
  parser.on('closetag', ({ name }) => {
    path.pop();
    if (name !== names.entry) return;
    stories.set(fields[names.id] ?? '', `${fields.title} ${storyIn(fields[names.body] ?? '')}`);
  });
  parser.write(text).close();
  return { stories, withdrawn };
}
