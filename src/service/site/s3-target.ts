import { hash } from 'node:crypto';
import { openAsBlob } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { AwsClient } from 'aws4fetch';
import type { StorageSettings } from '../../config/storage-options.ts';
import { MANIFEST_FILE, manifestOf } from '../../document/site-manifest.ts';
import { PublisherError } from '../../errors.ts';
import { systemReason } from '../../lib/system-reason.ts';
import { takeLock } from './folder-lock.ts';
import { parseS3Address } from './s3-address.ts';
import type { FileContent, SiteTarget, TargetDocument, TargetFile } from './site-target.ts';

interface S3Options extends StorageSettings {
  /** Folder of this machine for the lock: not every storage can have one. */
  readonly lockFolder: string;
}

/** Requests that are sent again after an answer of 429 or 5xx. The waits grow to about ten seconds. */
const RETRIES = 7;
/** Objects that are removed at once. */
const REMOVED_TOGETHER = 8;
/** Bytes of the longest key (Amazon S3, “Naming objects”). */
const LONGEST_KEY = 1024;

/**
 * A static site in S3-compatible storage, below a prefix. A page has the name of its address. Storage does not negotiate: the
 * objects of other codings stand beside the plain one, each with its Content-Encoding, for a proxy that chooses.
 *
 * @param site `s3://bucket/prefix`
 * @throws PublisherError `usage` for another address, and for a key that no header can have
 */
export function s3Target(site: string, options: S3Options): SiteTarget {
  const { bucket, prefix } = parseS3Address(site);
  const { endpoint, region, keyId, secret, token, lockFolder } = options;
  requireHeaderValue('AWS_ACCESS_KEY_ID', keyId);
  requireHeaderValue('AWS_SESSION_TOKEN', token);
  const root = endpoint === undefined ? `https://${bucket}.s3.${region}.amazonaws.com/` : `${endpoint}${bucket}/`;
  const client = new AwsClient({
    accessKeyId: keyId,
    secretAccessKey: secret,
    ...(token === undefined ? {} : { sessionToken: token }),
    service: 's3',
    region,
    retries: RETRIES,
  });
  const name = `s3://${bucket}/${prefix}`;
  let release: (() => Promise<void>) | undefined;

  async function send(method: string, address: string, init: RequestInit = {}): Promise<Response> {
    try {
      // A redirect could lead the token and the text anywhere, and make a PUT a GET, which changes nothing.
      return await client.fetch(address, { ...init, method, redirect: 'manual' });
    } catch (cause) {
      throw unreachable(`${new URL(address).host} does not answer: ${networkReason(cause)}`, cause);
    }
  }

  function isTooLong(file: string): boolean {
    return Buffer.byteLength(prefix + file) > LONGEST_KEY;
  }

  function addressOf(file: string): string {
    const key = prefix + file;
    if (isTooLong(file)) throw new PublisherError('too_large', `The key ${key} is too long.`);
    return root + key.split('/').map(encodeURIComponent).join('/');
  }

  async function refuse(response: Response, what: string): Promise<never> {
    const [, code = `status ${response.status}`] = /<Code>(\w+)<\/Code>/.exec(await response.text()) ?? [];
    throw unreachable(`${what} was refused: ${code}`);
  }

  function unreachable(reason: string, cause?: unknown): PublisherError {
    const hint =
      'Check the name of the bucket, AWS_ENDPOINT_URL, AWS_REGION and the rights of the key, and export again.';
    return new PublisherError('unreachable_target', `${name} cannot be used: ${reason}.`, { hint, cause });
  }

  async function put(file: TargetFile, { type, caching }: TargetDocument): Promise<void> {
    const { coding, content, sha256 } = file;
    const headers = {
      'Content-Type': type,
      'Cache-Control': caching,
      'X-Amz-Content-Sha256': sha256,
      ...(coding === 'identity' ? {} : { 'Content-Encoding': coding }),
    };
    const response = await send('PUT', addressOf(file.file), { headers, body: await bodyOf(content) });
    if (!response.ok) await refuse(response, `PUT of ${file.file}`);
    await response.body?.cancel();
  }

  async function removeOne(file: string): Promise<void> {
    if (isTooLong(file)) return;
    const response = await send('DELETE', addressOf(file));
    if (!response.ok && response.status !== 404) await refuse(response, `DELETE of ${file}`);
    await response.body?.cancel();
  }

  async function read(file: string): Promise<Buffer | undefined> {
    const response = await send('GET', addressOf(file), { headers: { 'Accept-Encoding': 'identity' } });
    if (response.status === 404) return undefined;
    if (!response.ok) return refuse(response, `GET of ${file}`);
    return Buffer.from(await response.arrayBuffer());
  }

  async function refuseForeign(): Promise<void> {
    const text = (await read(MANIFEST_FILE))?.toString() ?? '';
    if (manifestOf(text) !== undefined) return;
    const query = new URLSearchParams({ 'list-type': '2', 'max-keys': '1', prefix });
    const response = await send('GET', `${root}?${query}`);
    if (!response.ok) await refuse(response, 'the list of objects');
    const list = await response.text();
    if (!/<ListBucketResult[\s>]/.test(list)) throw unreachable('it answers with no list of objects');
    if (!/<Contents[\s>]/.test(list)) return;
    throw new PublisherError('unwritable_output', `${name} has objects that no export has written.`, {
      hint: 'Name a prefix without objects, or that of an earlier export --site.',
    });
  }

  return {
    name,
    pageEnding: '',
    async open() {
      await mkdir(lockFolder, { recursive: true });
      release = await takeLock(join(lockFolder, `${hash('sha256', name, 'hex').slice(0, 16)}.lock`), name);
      await refuseForeign();
    },
    read,
    async write(document) {
      const plain = document.files.at(-1);
      await Promise.all(document.files.slice(0, -1).map((file) => put(file, document)));
      if (plain !== undefined) await put(plain, document);
      await removeAll(document.obsolete);
    },
    remove: removeAll,
    async close() {
      await release?.();
    },
  };

  async function removeAll(files: readonly string[]): Promise<void> {
    for (let start = 0; start < files.length; start += REMOVED_TOGETHER)
      await Promise.all(files.slice(start, start + REMOVED_TOGETHER).map(removeOne));
  }
}

/** Of a request without an answer: the library has it behind an error of its own. */
function networkReason(error: unknown): string {
  return systemReason(error instanceof Error ? (error.cause ?? error) : error);
}

/** @throws PublisherError `usage` */
function requireHeaderValue(variable: string, value = ''): void {
  if (/^[!-~]*$/.test(value)) return;
  throw new PublisherError('usage', `${variable} has a space, a line break or a letter outside ASCII.`, {
    hint: 'Set it again, as the storage shows it.',
  });
}

async function bodyOf(content: FileContent): Promise<Uint8Array<ArrayBuffer> | Blob> {
  if (Buffer.isBuffer(content)) return new Uint8Array(content);
  return openAsBlob(content.source);
}
