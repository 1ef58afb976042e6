import { createHash, createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

/** An object with what was said of it. */
export interface StoredObject {
  readonly bytes: Buffer;
  readonly type: string | undefined;
  readonly coding: string | undefined;
  readonly caching: string | undefined;
}

export interface S3Server {
  readonly endpoint: string;
  /** By their keys, after the name of the bucket. */
  readonly objects: Map<string, StoredObject>;
  /** Methods and keys, in their order. */
  readonly requests: string[];
  /** The next requests that change something are answered with 503. */
  failures: number;
  /** Where there are so many objects, no more are stored before `release` is called. */
  most: number;
  readonly release: () => void;
}

const KEY_ID = 'EXAMPLEKEYID';
const SECRET = 'example/secret+key';
const REGION = 'eu-central-1';

/** What a client has to know of the server. */
export const CREDENTIALS = { region: REGION, keyId: KEY_ID, secret: SECRET, token: undefined };

/**
 * As much of S3 as an export uses, until the test is over: objects of one bucket by GET, PUT and DELETE, and the list of keys.
 * Signatures are checked by AWS's description of Signature Version 4, and bodies by their digests.
 */
export async function startS3(bucket: string): Promise<S3Server> {
  const objects = new Map<string, StoredObject>();
  const requests: string[] = [];
  const released = Promise.withResolvers<void>();
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const url = new URL(request.url ?? '', 'http://s3');
    const [, named, ...path] = url.pathname.split('/').map(decodeURIComponent);
    const key = path.join('/');
    const answer = (status: number, content: string | Buffer = '') => response.writeHead(status).end(content);
    const refused = (status: number, code: string) => answer(status, `<Error><Code>${code}</Code></Error>`);
    requests.push(`${request.method} ${key}`);
    if (!isSigned(request, url)) return refused(403, 'SignatureDoesNotMatch');
    if (named !== bucket) return refused(404, 'NoSuchBucket');
    if (request.method !== 'GET' && state.failures > 0) {
      state.failures -= 1;
      return refused(503, 'SlowDown');
    }
    if (request.method === 'PUT') {
      if (objects.size >= state.most) await released.promise;
      if (request.headers['x-amz-content-sha256'] !== sha256(body)) return refused(400, 'XAmzContentSHA256Mismatch');
      const { 'content-type': type, 'content-encoding': coding, 'cache-control': caching } = request.headers;
      objects.set(key, { bytes: body, type, coding, caching });
      return answer(200);
    }
    if (request.method === 'DELETE') {
      objects.delete(key);
      return answer(204);
    }
    if (key === '') {
      const prefix = url.searchParams.get('prefix') ?? '';
      const found = [...objects.keys()].filter((name) => name.startsWith(prefix));
      return answer(
        200,
        `<ListBucketResult>${found.map((name) => `<Contents><Key>${name}</Key></Contents>`).join('')}</ListBucketResult>`,
      );
    }
    const object = objects.get(key);
    return object === undefined ? refused(404, 'NoSuchKey') : answer(200, object.bytes);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(async () => {
    released.resolve();
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  const { port } = server.address() as AddressInfo;
  const state: S3Server = {
    endpoint: `http://127.0.0.1:${port}/`,
    objects,
    requests,
    failures: 0,
    most: Number.POSITIVE_INFINITY,
    release: released.resolve,
  };
  return state;
}

function isSigned({ method = '', headers }: IncomingMessage, url: URL): boolean {
  const form =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/s3\/aws4_request, SignedHeaders=([^,]+), Signature=(\w+)$/;
  const [, keyId, day = '', region = '', names = '', signature] = form.exec(headers.authorization ?? '') ?? [];
  if (keyId !== KEY_ID || region !== REGION || !names.split(';').includes('x-amz-content-sha256')) return false;
  const query = [...url.searchParams].map(([name, value]) => `${strict(name)}=${strict(value)}`).toSorted();
  const canonical = [
    method,
    url.pathname
      .split('/')
      .map((part) => strict(decodeURIComponent(part)))
      .join('/'),
    query.join('&'),
    ...names.split(';').map((name) => `${name}:${String(headers[name]).trim()}`),
    '',
    names,
    headers['x-amz-content-sha256'],
  ].join('\n');
  const scope = `${day}/${region}/s3/aws4_request`;
  const toSign = ['AWS4-HMAC-SHA256', headers['x-amz-date'], scope, sha256(canonical)].join('\n');
  const keys = [day, region, 's3', 'aws4_request'].reduce<string | Buffer>(
    (key, part) => hmac(key, part),
    `AWS4${SECRET}`,
  );
  return hmac(keys, toSign).toString('hex') === signature;
}

function strict(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

function sha256(content: string | Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}
