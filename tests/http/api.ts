import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import type { OutgoingHttpHeaders } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createKnownAddresses } from '../../src/http/known-addresses.ts';
import { createQueueSlots } from '../../src/http/load/queue-slots.ts';
import { createKey } from '../../src/publish/api-keys.ts';
import { storeFile } from '../../src/service/data-folder.ts';
import { isThere } from '../../src/store/sqlite/database.ts';
import { openDeliveryFile } from '../../src/store/sqlite/delivery-file.ts';
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import type { Scope } from '../../src/store/store.ts';
import { type Answer, ask, dataFolder, type Running, start } from '../helpers.ts';

/** Two days after the articles that `record` makes. */
export const NOW = Date.UTC(2026, 10, 22, 12);
export const SECOND = 1000;
export const FORMATS = ['rss', 'atom', 'json'] as const;

interface Key {
  readonly id: string;
  readonly key: string;
}

/** A key of that scope, made as “key create” does it: in the store's file, beside a service that may run. */
export async function keyFor(folder: string, scope: Scope = 'write'): Promise<Key> {
  const file = storeFile(folder);
  return isThere(file) ? createKeyIn(file, scope) : copyStore(await storeWithKey(scope), file);
}

async function createKeyIn(file: string, scope: Scope): Promise<Key> {
  const store = openSqliteStore(file);
  try {
    return await createKey(store, `for ${scope}`, scope, NOW);
  } finally {
    await store.close();
  }
}

interface StoreWithKey extends Key {
  /** The bytes of the file of the store. */
  readonly store: Uint8Array;
}

/** Made once for each scope: to create a store and a key takes much longer than to copy them. */
const storesWithKey = new Map<Scope, Promise<StoreWithKey>>();

async function storeWithKey(scope: Scope): Promise<StoreWithKey> {
  const known = storesWithKey.get(scope) ?? makeStoreWithKey(scope);
  storesWithKey.set(scope, known);
  return known;
}

async function makeStoreWithKey(scope: Scope): Promise<StoreWithKey> {
  const folder = await mkdtemp(join(tmpdir(), 'feed-publisher-'));
  try {
    const file = storeFile(folder);
    return { ...(await createKeyIn(file, scope)), store: await readFile(file) };
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function copyStore({ id, key, store }: StoreWithKey, file: string): Promise<Key> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, store);
  return { id, key };
}

/** What an app needs of the service around it, where it has none. */
export function appSurroundings() {
  return {
    slots: createQueueSlots(),
    knownAddresses: createKnownAddresses(),
    refuseOverdrawn: () => {},
    recorder: { begin: () => () => {}, save: async () => {} },
    record: openDeliveryFile({ file: ':memory:', now: Date.now, since: () => undefined, onLoss: () => {} }),
    clientOf: () => '127.0.0.1',
    oldAddresses: { find: async () => undefined },
    siteFiles: { get: async () => undefined },
  };
}

interface Asked {
  readonly body?: unknown;
  readonly headers?: OutgoingHttpHeaders;
  readonly key?: string;
}

type Ask = (address: string, asked?: Asked) => Promise<Answer>;

/** The API with a key that may write; addresses are those below `/api/articles`. */
export interface Api extends Running {
  readonly key: string;
  readonly get: Ask;
  readonly put: Ask;
  readonly post: Ask;
  readonly remove: Ask;
}

/** The real service with an empty articles folder, and a client of its API. */
export async function startApi(
  files: Readonly<Record<string, string>> = {},
  options: Parameters<typeof start>[1] = {},
): Promise<Api> {
  return clientOf(await dataFolder({ 'articles/.keep': '', 'media/.keep': '', ...files }), options);
}

/** The same on a folder that is there. */
export async function clientOf(folder: string, options: Parameters<typeof start>[1] = {}): Promise<Api> {
  const { key } = await keyFor(folder);
  const running = await start(folder, { now: () => NOW, ...options });
  const asking =
    (method: string): Ask =>
    (address, { body, headers = {}, key: other = key } = {}) =>
      ask(running.port, `/api/articles${address}`, {
        method,
        headers: { Authorization: `Bearer ${other}`, ...headers },
        ...(body === undefined ? {} : { body: isBytes(body) ? body : JSON.stringify(body) }),
      });
  return { ...running, key, get: asking('GET'), put: asking('PUT'), post: asking('POST'), remove: asking('DELETE') };
}

function isBytes(body: unknown): body is string | Uint8Array {
  return typeof body === 'string' || body instanceof Uint8Array;
}

/** The tags of these feeds in every format, by address. */
export async function etagsOf(port: number, feeds: readonly string[]): Promise<Record<string, string>> {
  const addresses = feeds.flatMap((feed) => FORMATS.map((format) => `${feed}.${format}`));
  const answers = await Promise.all(addresses.map((address) => ask(port, `/feeds/${address}`)));
  return Object.fromEntries(addresses.map((address, index) => [address, tagOf(answers[index])]));
}

function tagOf(answer: Answer | undefined): string {
  return answer?.status === 200 ? (answer.headers.etag ?? '') : `status ${answer?.status}`;
}

/** The addresses whose values differ. */
export function differing(before: Readonly<Record<string, string>>, after: Readonly<Record<string, string>>): string[] {
  return Object.keys(after).filter((address) => before[address] !== after[address]);
}
