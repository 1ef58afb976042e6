import type { OutgoingHttpHeaders } from 'node:http';
import { createKey } from '../../src/publish/api-keys.ts';
import { storeFile } from '../../src/service/data-folder.ts';
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import { type Answer, ask } from '../helpers.ts';
import { NOW } from './api.ts';

/** A key of a partner, made as “key create” does it: beside a service that may run. */
export async function partnerKey(
  folder: string,
  partner: string,
  limits: { readonly expiresAt?: number; readonly name?: string } = {},
): Promise<{ id: string; key: string }> {
  const store = openSqliteStore(storeFile(folder));
  try {
    const { name = `for ${partner}`, expiresAt } = limits;
    return await createKey(store, name, 'partner', NOW, { partner, expiresAt });
  } finally {
    await store.close();
  }
}

interface PartnerKey {
  readonly id: string;
  readonly key: string;
}

/** A key for each of these partners, in a store that is opened once. */
export async function partnerKeys(
  folder: string,
  partners: readonly string[],
): Promise<ReadonlyMap<string, PartnerKey>> {
  const store = openSqliteStore(storeFile(folder));
  try {
    const keys = new Map<string, PartnerKey>();
    for (const partner of partners)
      keys.set(partner, await createKey(store, `for ${partner}`, 'partner', NOW, { partner }));
    return keys;
  } finally {
    await store.close();
  }
}

/** Revokes a key as “key revoke” does it. */
export async function revoke(folder: string, id: string): Promise<void> {
  const store = openSqliteStore(storeFile(folder));
  try {
    await store.revokeKey(id, NOW);
  } finally {
    await store.close();
  }
}

/** The headers of a request with Basic credentials. */
export function basic(user: string, password: string): OutgoingHttpHeaders {
  return { Authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` };
}

export function bearer(key: string): OutgoingHttpHeaders {
  return { Authorization: `Bearer ${key}` };
}

/** What an answer tells, without what differs between any two. */
export function told({ status, headers, text }: Answer) {
  const { date: _, ...rest } = headers;
  return { status, headers: rest, text };
}

/** A document of a partner, with its key in a header. */
export function askPartner(
  port: number,
  path: string,
  key: string,
  headers: OutgoingHttpHeaders = {},
): Promise<Answer> {
  return ask(port, `/partners/${path}`, { headers: { ...bearer(key), ...headers } });
}
