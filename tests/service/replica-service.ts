import { onTestFinished } from 'vitest';
import { loadPublication } from '../../src/config/publication.ts';
import type { PurgeSettings } from '../../src/config/purge-targets.ts';
import { createKey } from '../../src/publish/api-keys.ts';
import { openReplicaFolder } from '../../src/service/replica-folder.ts';
import { serve } from '../../src/service/serve.ts';
import type { Store } from '../../src/store/store.ts';
import { type Answer, ask, dataFolder, FAST_PATH, listen, PUBLICATION, type Running, record } from '../helpers.ts';

/** A replica in this process. */
export interface Replica extends Running {
  readonly key: string;
  readonly store: Store;
  readonly isOwner: () => boolean;
  readonly put: (id: string, fields?: Readonly<Record<string, unknown>>) => Promise<Answer>;
  readonly get: (path: string) => Promise<Answer>;
  /** What the status says needs the operator. */
  readonly needs: () => Promise<unknown>;
}

interface ReplicaOptions {
  readonly folder?: string;
  readonly publication?: string;
  readonly files?: Readonly<Record<string, string>>;
  readonly now?: () => number;
  readonly purge?: PurgeSettings;
  readonly site?: { readonly site: string };
}

/** Starts a replica in this process, on its own data folder. */
export async function startReplica(
  databaseUrl: string,
  { folder, publication = PUBLICATION, files = {}, now, purge, site }: ReplicaOptions = {},
): Promise<Replica> {
  const path = folder ?? (await dataFolder({ 'publication.yaml': publication, ...files }));
  const { log, told, lines } = listen();
  const written = loadPublication(path);
  const opened = await openReplicaFolder(path, { databaseUrl, publication: written, mayOwn: true, now });
  const options = { host: '127.0.0.1', port: 0, version: '0.0.0', fastPath: FAST_PATH, log, purge, site };
  const service = await serve(opened, { ...options, ...(now === undefined ? {} : { now }) });
  onTestFinished(() => service.close());
  const { key } = await createKey(opened.store, 'test', 'write', Date.now());
  return {
    ...service,
    dataFolder: path,
    told,
    lines,
    key,
    store: opened.store,
    isOwner: () => opened.replica?.state().isOwner ?? false,
    put: (id, fields = {}) =>
      ask(service.port, `/api/articles/${id}`, {
        method: 'PUT',
        headers: { Authorization: `Bearer ${key}`, 'Content-Type': 'application/json' },
        body: JSON.stringify(record({ id, url: `/${id}`, ...fields })),
      }),
    get: (path) => ask(service.port, path),
    async needs() {
      const { text } = await ask(service.port, '/api/status', { headers: { Authorization: `Bearer ${key}` } });
      return JSON.parse(text).needs;
    },
  };
}
