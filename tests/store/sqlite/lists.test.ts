import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync, StatementSync } from 'node:sqlite';
import { expect, onTestFinished, test, vi } from 'vitest';
import { articleText } from '../../../src/article/stored.ts';
import { ownKeys } from '../../../src/feed/feeds.ts';
import { openSqliteStore } from '../../../src/store/sqlite/sqlite-store.ts';
import type { Put } from '../../../src/store/store.ts';
import { article } from '../../helpers.ts';

const NOW = Date.UTC(2026, 10, 22);
const IDS = Array.from({ length: 20 }, (_, number) => `a-${number}`);

function put(id: string, title = id): Put {
  const made = article({ id, title });
  return { kind: 'put', article: articleText(made), record: '{}', feeds: ownKeys(made) };
}

function storeFile(): string {
  const folder = mkdtempSync(join(tmpdir(), 'lists-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return join(folder, 'store.sqlite');
}

/** How often a list is read, by a word of its query. */
function countReads(word = 'audit_article'): () => number {
  const all = vi.spyOn(StatementSync.prototype, 'all');
  onTestFinished(() => all.mockRestore());
  return () => all.mock.contexts.filter((each) => (each as StatementSync).sourceSQL.includes(word)).length;
}

test('the histories of many articles read the list of changes once, until it changes', async () => {
  const store = openSqliteStore(':memory:');
  await store.apply(
    IDS.map((id) => put(id)),
    () => NOW,
  );
  const reads = countReads();
  for (const id of IDS) expect(await store.history(id)).toHaveLength(1);
  expect(reads()).toBe(1);
  await store.apply([put('a-3', 'Other')], () => NOW);
  for (const id of IDS) expect(await store.history(id)).toHaveLength(id === 'a-3' ? 2 : 1);
  expect(reads()).toBe(2);
  await store.close();
});

test('a change that is lost from the list after it was read is missed', async () => {
  const file = storeFile();
  const store = openSqliteStore(file);
  await store.apply(
    IDS.map((id) => put(id)),
    () => NOW,
  );
  expect(await store.history('a-3')).toHaveLength(1);
  const other = new DatabaseSync(file);
  other.exec('DELETE FROM audit WHERE revision = 5');
  other.close();
  await expect(store.history('a-3')).rejects.toMatchObject({ code: 'store_damaged' });
  await store.close();
});

test('a change reads nothing of a thousand stories that have left a feed at once', async () => {
  const store = openSqliteStore(':memory:');
  const ids = Array.from({ length: 1200 }, (_, number) => `a-${number}`);
  const inSection = (id: string, section: string): Put => {
    const made = article({ id, sections: [section], publishedAt: new Date(NOW - 1000).toISOString() });
    return { kind: 'put', article: articleText(made), record: '{}', feeds: ownKeys(made) };
  };
  for (const section of ['World', 'Sport'])
    await store.apply(
      ids.map((id) => inSection(id, section)),
      () => NOW,
    );
  await store.apply([inSection('b-1', 'World')], () => NOW);
  const reads = countReads('former_member');
  await store.apply([inSection('b-2', 'World')], () => NOW);
  expect(reads()).toBe(0);
  expect(await store.formerMembers('section/world', 2000)).toHaveLength(1200);
  await store.close();
});
