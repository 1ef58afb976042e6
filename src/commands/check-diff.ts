import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import {
  loadPublication,
  PUBLICATION_FILE,
  type Publication,
  parsePublication,
  withPartners,
} from '../config/publication.ts';
import { PublisherError } from '../errors.ts';
import { omitUndefined } from '../lib/omit-undefined.ts';
import { systemReason } from '../lib/system-reason.ts';
import { configurationInForce, configurationOf, storedPublication } from '../publish/refresh.ts';
import { hasStore, storeFile } from '../service/data-folder.ts';
import { openStoredFeeds, type StoredFeeds } from '../store/sqlite/stored-feeds.ts';
import { diffPublications, type PublicationDiff } from './publication-diff.ts';
import type { Terminal } from './terminal.ts';

interface DiffValues {
  readonly data: string;
  readonly publicUrl: string | undefined;
  readonly json: boolean;
}

/** The exit code where readers would get stories again. */
const AGAIN = 3;
/** Feeds of a list that are printed. */
const MOST = 20;

/** Says what a new publication.yaml would do. Returns the exit code. */
export async function checkDiff(file: string, values: DiffValues, { out, err }: Terminal): Promise<number> {
  const { data, publicUrl, json } = values;
  const path = resolve(data);
  const text = textOf(file);
  const parsed = (address: string | undefined) => withPartners(parsePublication(text, file, address), path);
  const written = parsed(publicUrl);
  const store = hasStore(path) ? openStoredFeeds(storeFile(path)) : undefined;
  try {
    const address = publicUrl ?? (await addressOfStart(path, store));
    const after = address === undefined ? written : parsed(address);
    const { publication, isWhole } = await publicationBefore(path, { store, address, after });
    const diff = await diffPublications({ before: publication, after, store, at: Date.now() });
    if (!isWhole) err(`${join(path, PUBLICATION_FILE)} cannot be read: ${UNKNOWN}`);
    if (json) out(JSON.stringify({ file, ...diff }));
    else for (const line of linesOf(diff, store !== undefined)) out(line);
    return diff.again.entries > 0 ? AGAIN : 0;
  } finally {
    await store?.close();
  }
}

/** The public address that a start has by its option, in the place of that of publication.yaml; undefined if it has none. */
async function addressOfStart(path: string, store: StoredFeeds | undefined): Promise<string | undefined> {
  const { feedsUrl } = (store && (await storedPublication(store))) ?? {};
  if (store === undefined || feedsUrl === undefined) return undefined;
  if (publicationIn(path, undefined)?.feedsUrl === feedsUrl) return undefined;
  const started = publicationIn(path, feedsUrl);
  const isInForce = started !== undefined && configurationOf(started) === (await configurationInForce(store));
  return isInForce ? feedsUrl : undefined;
}

/** The content of publication.yaml; undefined if it is not valid. */
function publicationIn(path: string, address: string | undefined): Publication | undefined {
  try {
    return loadPublication(path, address);
  } catch (error) {
    if (error instanceof PublisherError) return undefined;
    throw error;
  }
}

const UNKNOWN =
  'the new one is compared with the publication in force, without auditDays, builtInRedirects, deliveryDays, media, origins, partners and redirects.';

interface Before {
  readonly publication: Publication;
  /** False where nobody knows the settings that the store does not keep: they count as unchanged. */
  readonly isWhole: boolean;
}

interface BeforeParts {
  readonly store: StoredFeeds | undefined;
  readonly address: string | undefined;
  readonly after: Publication;
}

/** The one that readers know: publication.yaml may have been changed since. */
async function publicationBefore(path: string, { store, address, after }: BeforeParts): Promise<Before> {
  const stored = store && (await storedPublication(store));
  if (stored === undefined) return { publication: loadPublication(path, address), isWhole: true };
  const written = publicationIn(path, address);
  const { origins, auditDays, deliveryDays, media, redirects, builtInRedirects, partners } = written ?? after;
  const unstored = omitUndefined({ origins, auditDays, deliveryDays, media, redirects, builtInRedirects, partners });
  const publication = { ...(stored as Publication), ...unstored };
  return { publication, isWhole: written !== undefined };
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    const hint = `The reason: ${systemReason(cause)}. Check the name of the file and its permissions.`;
    throw new PublisherError('invalid_publication', `The new publication cannot be read from ${file}.`, {
      hint,
      cause,
    });
  }
}

function* linesOf(
  { come, go, change, settings, restart, ids, again }: PublicationDiff,
  isServed: boolean,
): Generator<string> {
  if (!isServed) yield 'The data folder has no store: no reader knows its feeds yet.';
  yield* list('Feeds that come:', come, ({ feed, entries }) => `${feed}: ${entriesOf(entries)}`);
  yield* list(
    'Feeds that go:',
    go,
    ({ feed, entries, leadsTo }) => `${feed}: ${entriesOf(entries)}; ${endOf(leadsTo)}`,
  );
  yield* list(
    'Feeds that change:',
    change,
    ({ feed, before, after, arriving, leaving }) =>
      `${feed}: ${before} → ${entriesOf(after)}; ${arriving} new, ${leaving} gone`,
  );
  if (settings.length > 0) yield `Settings that change: ${settings.join(', ')}`;
  if (restart.length > 0)
    yield `A running service does not take this file: ${restart.join(', ')} ${restart.length === 1 ? 'takes' : 'take'} effect at the next start only.`;
  yield `Ids of stories that change: 0 of ${ids.stories}. A story keeps its id from its first publication on.`;
  if (ids.changedFeeds > 0) yield `Ids of feeds that change, in Atom: ${ids.changedFeeds}`;
  yield* list(
    'Readers could see stories again:',
    again.reasons,
    ({ field, entries, text }) => `${field}: ${entriesOf(entries)}. ${text}`,
  );
  yield again.entries === 0 ? 'no reader sees a story again' : `readers could see ${entriesOf(again.entries)} again`;
}

function* list<Item>(heading: string, items: readonly Item[], line: (item: Item) => string): Generator<string> {
  if (items.length === 0) return;
  yield heading;
  for (const item of items.slice(0, MOST)) yield `  ${line(item)}`;
  if (items.length > MOST) yield `  and ${items.length - MOST} more; --json lists all`;
}

function endOf(leadsTo: string | null | undefined): string {
  if (leadsTo === undefined) return 'its readers get 404. List it under retired, and name their new feed in movedTo';
  return leadsTo === null ? 'its readers get 410' : `its readers are led to ${leadsTo}`;
}

function entriesOf(count: number): string {
  return count === 1 ? '1 entry' : `${count} entries`;
}
