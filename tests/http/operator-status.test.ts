import { DomUtils, parseDocument } from 'htmlparser2';
import { expect, onTestFinished, test } from 'vitest';
import { parsePublication } from '../../src/config/publication.ts';
import { PublisherError } from '../../src/errors.ts';
import { serveOperator } from '../../src/http/operator.ts';
import type { ServiceStatus } from '../../src/pages/service-status.ts';
import { ask, dataFolder, listen, PUBLICATION } from '../helpers.ts';
import { busyDay } from '../pages/status-data.ts';

const PNG = Buffer.from('a picture');
const SETTINGS = 'icon: /media/press/the%20icon.png\nfavicon: /media/favicon.svg\naccentColor: "#aa0000"\n';

interface Options {
  readonly phase?: 'starting' | 'serving' | 'stopping';
  readonly settings?: string;
  readonly host?: string;
  readonly readStatus?: () => Promise<ServiceStatus>;
}

/** An operator's port with the page of the status. */
async function operator({
  phase = 'serving',
  settings = SETTINGS,
  host = '127.0.0.1',
  readStatus = async () => busyDay(),
}: Options = {}) {
  const files = { 'media/press/the icon.png': PNG, 'media/favicon.svg': '<svg/>', 'media/secret.jpg': PNG };
  const folder = await dataFolder(files);
  const failures: unknown[] = [];
  const server = await serveOperator(
    {
      check: async () => {},
      phase: () => phase,
      fail: (error) => failures.push(error),
      openMetrics: async () => ({ contentType: 'text/plain', text: async () => 'metrics' }),
      status: {
        publication: () => parsePublication(PUBLICATION + settings, 'publication.yaml'),
        mediaFolder: `${folder}/media`,
        readStatus,
        readPartners: async () => undefined,
      },
    },
    { host, port: 0, isRequired: true },
    listen().log.log,
  );
  onTestFinished(() => server?.close());
  return { port: server?.port ?? 0, failures };
}

test.each([
  ['a name of somebody else', 'evil.example:9464', 421],
  ['a name that begins like this machine', 'localhost.evil.example', 421],
  ['an address with more', '127.0.0.1.evil.example', 421],
  ['what is no host', '[::1', 421],
  ['localhost', 'LOCALHOST:9464', 200],
  ['a name below localhost', 'courier.localhost', 200],
  ['an address', '127.0.0.1:9464', 200],
  ['another address of this machine', '192.0.2.7', 200],
  ['an IPv6 address', '[::1]:9464', 200],
])('on this machine alone, the status is not for a page of another name: %s', async (_, host, expected) => {
  const { port } = await operator();
  const statuses = [];
  for (const path of ['/status', '/Status', '/media/favicon.svg'])
    statuses.push((await ask(port, path, { headers: { Host: host } })).status);

  expect(statuses).toEqual([expected, expected, expected]);
  expect((await ask(port, '/metrics', { headers: { Host: host } })).status).toBe(200);
});

test.each(['127.0.0.1', '127.1', '::ffff:127.0.0.1'])(
  'whatever the operator writes for an address of this machine alone, foreign names are refused: %s',
  async (host) => {
    const { port } = await operator({ host });

    expect((await ask(port, '/status', { headers: { Host: 'evil.example' } })).status).toBe(421);
    expect((await ask(port, '/status', { headers: { Host: `localhost:${port}` } })).status).toBe(200);
  },
);

test('the name that the operator gives the port is a name of this machine', async () => {
  const { port } = await operator({ host: '127.1' });

  expect((await ask(port, '/status', { headers: { Host: `127.1:${port}` } })).status).toBe(200);
});

test('a port that other machines reach is read under any name', async () => {
  const { port } = await operator({ host: '0.0.0.0' });

  expect((await ask(port, '/status', { headers: { Host: 'metrics.newsroom.example' } })).status).toBe(200);
});

/** The addresses that a page loads. */
function loadedBy(html: string): string[] {
  const document = parseDocument(html);
  const links = DomUtils.getElementsByTagName('link', document).map(({ attribs }) => attribs.href ?? '');
  const pictures = DomUtils.getElementsByTagName('img', document).map(({ attribs }) => attribs.src ?? '');
  return [...links, ...pictures];
}

test('/status is a page that nobody keeps, lists or frames', async () => {
  const { port } = await operator();
  const { status, headers, text } = await ask(port, '/status');
  const head = await ask(port, '/STATUS?x=1', { method: 'HEAD' });

  expect([status, head.status, head.text]).toEqual([200, 200, '']);
  expect(head.headers).toEqual({ ...headers, date: head.headers.date });
  expect(headers).toMatchObject({
    'cache-control': 'no-store',
    'content-type': 'text/html; charset=utf-8',
    'content-length': String(Buffer.byteLength(text)),
    'content-security-policy':
      "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    'x-robots-tag': 'noindex',
  });
  expect(headers).not.toHaveProperty('access-control-allow-origin');
  expect(text).toContain('<meta name="robots" content="noindex">');
  expect(text).toContain('Readers are served. Nothing needs you.');
});

test('everything that the page loads is below the same port', async () => {
  const { port } = await operator();
  const loaded = loadedBy((await ask(port, '/status')).text);
  const answers = await Promise.all(loaded.map((path) => ask(port, new URL(path, 'http://x/status').pathname)));

  expect(loaded).toEqual(['media/favicon.svg', expect.stringMatching(/^pages\/style-/), 'media/press/the%20icon.png']);
  expect(answers.map(({ status, headers }) => [status, headers['content-type'], headers['cache-control']])).toEqual([
    [200, 'image/svg+xml', 'no-cache'],
    [200, 'text/css; charset=utf-8', 'public, max-age=31536000, immutable'],
    [200, 'image/png', 'no-cache'],
  ]);
  for (const { headers } of answers) {
    expect(headers['x-content-type-options']).toBe('nosniff');
    expect(headers['content-security-policy']).toMatch(/sandbox$/);
  }
  expect(answers[1]?.text).toContain('--accent: #aa0000');
  expect(answers[2]?.body).toEqual(PNG);
});

test('icons of other hosts are left out, and so is a picture that is not there', async () => {
  const elsewhere =
    'icon: https://media.example/icon.png\nfavicon: /media/gone.png\npages: { mediaHosts: [media.example] }\n';
  const { port } = await operator({ settings: elsewhere });
  const loaded = loadedBy((await ask(port, '/status')).text);

  expect(loaded).toEqual(['media/gone.png', expect.stringMatching(/^pages\/style-/)]);
  expect((await ask(port, '/media/gone.png')).status).toBe(404);
});

test.each<[string, string, string, string]>([
  ['the publication’s own', SETTINGS, 'image/svg+xml', '<svg/>'],
  ['its icon, where it has no other', 'icon: /media/press/the%20icon.png\n', 'image/png', PNG.toString()],
  ['the sign for feeds, where it has none', '', 'image/vnd.microsoft.icon', '\0'],
  [
    'the sign for feeds, where the icon is elsewhere',
    'icon: https://a.example/i.png\n',
    'image/vnd.microsoft.icon',
    '\0',
  ],
  ['the sign for feeds, where the file is not there', 'icon: /media/gone.png\n', 'image/vnd.microsoft.icon', '\0'],
])('browsers find an icon at /favicon.ico: %s', async (_name, settings, type, start) => {
  const { port } = await operator({ settings });
  const { status, headers, text } = await ask(port, '/favicon.ico');
  expect([status, headers['content-type'], text.startsWith(start)]).toEqual([200, type, true]);
});

test('a page without an icon of its own names the one of the port', async () => {
  const { port } = await operator({ settings: '' });
  expect(loadedBy((await ask(port, '/status')).text)).toContain('favicon.ico');
});

test.each([
  '/media/secret.jpg',
  '/media/press/../secret.jpg',
  '/media/press/the%20icon.png/',
  '/media/%2e%2e/publication.yaml',
  '/media/%',
  '/media/',
  '/pages/style-000000000000.css',
  '/pages/copy.js',
  '/pages/',
  '/status/',
  '/feeds/latest',
  '/api/status',
  '/__proto__',
])('there is nothing at %s', async (path) => {
  const { port } = await operator();
  const { status, headers, text } = await ask(port, path);
  expect([status, headers['content-type']]).toEqual([404, 'application/problem+json; charset=utf-8']);
  expect(JSON.parse(text).detail).toMatch(
    /^This port has (?:the files of \/status alone|\/healthz, \/readyz, \/metrics, \/status, \/partners)\.$/,
  );
});

test('/ leads to the page, and no address but those of before takes anything but GET and HEAD', async () => {
  const { port } = await operator();
  const { status, headers, text } = await ask(port, '/');
  expect([status, headers.location, headers['content-length'], headers['cache-control'], text]).toEqual([
    303,
    'status',
    '0',
    'no-store',
    '',
  ]);
  for (const path of ['/', '/status', '/metrics', '/media/favicon.svg']) {
    const refused = await ask(port, path, { method: 'POST', body: 'x' });
    expect([path, refused.status, refused.headers.allow]).toEqual([path, 405, 'GET, HEAD']);
  }
});

test('the page exists without pages for readers', async () => {
  const { port } = await operator({ settings: 'pages: off\n' });
  const { status, text } = await ask(port, '/status');
  expect([status, text.includes('<p class="name">The Test Post</p>')]).toEqual([200, true]);
});

test.each(['starting', 'stopping'] as const)(
  'a service that is %s says so where the status cannot be read',
  async (phase) => {
    const error = new PublisherError('not_ready', 'The writer process does not answer.');
    const { port } = await operator({ phase, readStatus: () => Promise.reject(error) });
    const { status, text } = await ask(port, '/status');

    expect(status).toBe(503);
    expect(text).toContain(`<bdi>The service is ${phase}.</bdi>`);
  },
);

test.each([
  [
    'with the reason where that is known',
    new PublisherError('not_ready', 'The writer <b> does not answer.', { hint: 'Wait.' }),
    { status: 503, words: 'The writer &lt;b&gt; does not answer.</bdi></p>\n<p><bdi>Wait.', failures: 0 },
  ],
  [
    'without it otherwise',
    new Error('secret'),
    { status: 500, words: 'Internal error</bdi></p>\n<p><bdi>The log has', failures: 1 },
  ],
])('a status that cannot be read is a page %s, and the service goes on', async (_, error, expected) => {
  const { port, failures } = await operator({ readStatus: () => Promise.reject(error) });
  const { status, headers, text } = await ask(port, '/status');

  expect([status, headers['cache-control'], headers['content-type'], failures.length]).toEqual([
    expected.status,
    'no-store',
    'text/html; charset=utf-8',
    expected.failures,
  ]);
  expect(text).toContain('<title>The status cannot be read · Status · The Test Post</title>');
  expect(text).toContain(expected.words);
  expect(text).not.toContain('secret');
  expect((await ask(port, '/healthz')).text).toBe('ok');
});
