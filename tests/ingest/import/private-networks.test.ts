import { createServer, type RequestListener } from 'node:http';
import { join } from 'node:path';
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { PublisherError } from '../../../src/errors.ts';
import { type Download, download } from '../../../src/ingest/import/download.ts';
import { command, type Finished } from '../../commands/terminal.ts';
import { dataFolder, put, record } from '../../helpers.ts';

/** Of two addresses of loopback, these tests call one public. Everything else is what it is. */
const [PRIVATE, PUBLIC] = ['127.0.0.1', '127.0.0.2'];

vi.mock('../../../src/lib/public-address.ts', async (original) => {
  const { isPublicAddress } = await original<typeof import('../../../src/lib/public-address.ts')>();
  return { isPublicAddress: (address: string) => address === '127.0.0.2' || isPublicAddress(address) };
});

/** The addresses of names, one list for each look-up; the last one stays. */
const names = new Map<string, string[][]>();
const lookedUp: string[] = [];

vi.mock('node:dns', async (original) => {
  const dns = await original<typeof import('node:dns')>();
  type Done = (error: Error | null, found: { address: string; family: number }[]) => void;
  const lookup = (host: string, options: object, done: Done) => {
    const lists = names.get(host);
    if (lists === undefined) return dns.lookup(host, { ...options, all: true }, done);
    lookedUp.push(host);
    const found = (lists.length > 1 ? lists.shift() : lists[0]) ?? [];
    done(
      null,
      found.map((address) => ({ address, family: 4 })),
    );
  };
  return { ...dns, default: { ...dns, lookup }, lookup };
});

beforeEach(() => {
  names.clear();
  lookedUp.length = 0;
  names
    .set('inside.test', [[PRIVATE]])
    .set('outside.test', [[PUBLIC]])
    .set('both.test', [[PRIVATE, PUBLIC]]);
});

interface Site {
  /** Returns the address of a path on a host. */
  readonly at: (host: string, path: string) => string;
  /** The requests in order, each with the address that it came to. */
  readonly asked: readonly string[];
}

type Routes = Readonly<Record<string, string | Buffer | RequestListener>>;

/** A server that is public and private at once. Routes contain PRIVATE and PUBLIC as the beginnings of addresses. */
async function site(routes: Routes, host = '0.0.0.0'): Promise<Site> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const { url = '', socket } = request;
    asked.push(`${socket.localAddress} ${url}`);
    const answer = routes[url];
    response.setHeader('Connection', 'close');
    if (answer === undefined) response.writeHead(404).end();
    else if (typeof answer === 'function') answer(request, response);
    else if (typeof answer === 'string') response.end(answer.replace(/(PRIVATE|PUBLIC)(?=\/)/g, (name) => base(name)));
    else response.end(answer);
  }).listen(0, host);
  await new Promise((done) => server.once('listening', done));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : 0;
  const base = (name: string) => `http://${name === 'PRIVATE' ? PRIVATE : PUBLIC}:${port}`;
  return { at: (name, path) => `http://${name}:${port}${path}`, asked };
}

const OPERATOR = { mayBePrivate: true };

const redirect =
  (location: () => string, status = 302): RequestListener =>
  (_request, response) =>
    void response.writeHead(status, { Location: location() }).end();

/** The text of a download, or why there is none. */
async function textAt(address: string, options: Parameters<typeof download>[1] = OPERATOR): Promise<string> {
  try {
    return String((await download(address, options))?.bytes);
  } catch (error) {
    return error instanceof PublisherError ? (error.hint ?? '') : String(error);
  }
}

/** A site whose `/start` redirects to a host, and whose `/secret` is no business of a public server. */
async function leading(to: (site: Site) => string, status?: number): Promise<Site> {
  const served: Site = await site({ '/start': redirect(() => to(served), status), '/secret': 'secret' });
  return served;
}

describe('a redirect of a public server into a private network is refused', () => {
  test.each([301, 302, 303, 307, 308])('with status %i', async (status) => {
    const served = await leading(({ at }) => at(PRIVATE, '/secret'), status);

    expect(await textAt(served.at(PUBLIC, '/start'))).toBe(
      `The server redirects to ${served.at(PRIVATE, '/secret')}, which is in a private network, and the source is not. Add --allow-private if you trust the source.`,
    );
    expect(served.asked).toEqual([`${PUBLIC} /start`]);
  });

  test.each([
    'localhost',
    'inside.test',
    '2130706433',
    '0x7f.1',
    '0177.0.0.1',
    '127.1',
    '0.0.0.0',
    '[::1]',
    '[::ffff:127.0.0.1]',
    '[::ffff:7f00:1]',
    '[::127.0.0.1]',
    '[64:ff9b::127.0.0.1]',
    '[64:ff9b::a9fe:a9fe]',
    '[2002:7f00:1::]',
    '[fe80::1]',
    '[fd00:ec2::254]',
    '10.0.0.1',
    '169.254.169.254',
    '192.168.0.1',
    '①②⑦.0.0.1',
  ])('to the host %s', async (host) => {
    const served = await leading(({ at }) => Buffer.from(at(host, '/secret')).toString('latin1'));

    expect(await textAt(served.at('outside.test', '/start'))).toMatch(
      / in a private network, and the source is not\. /,
    );
    expect(served.asked).toEqual([`${PUBLIC} /start`]);
  });

  test('as a relative address with a host, and after redirects between public servers', async () => {
    const served: Site = await site({
      '/start': redirect(() => served.at('outside.test', '/second')),
      '/second': redirect(() => served.at(PRIVATE, '/secret').slice('http:'.length)),
      '/secret': 'secret',
    });

    expect(await textAt(served.at(PUBLIC, '/start'))).toMatch(/in a private network/);
    expect(served.asked).toEqual([`${PUBLIC} /start`, `${PUBLIC} /second`]);
  });

  test('after a private server has redirected to the public one', async () => {
    const served: Site = await site({
      '/start': redirect(() => served.at(PUBLIC, '/second')),
      '/second': redirect(() => served.at(PRIVATE, '/secret')),
      '/secret': 'secret',
    });

    expect(await textAt(served.at(PRIVATE, '/start'))).toMatch(/in a private network/);
    expect(served.asked).toEqual([`${PRIVATE} /start`, `${PUBLIC} /second`]);
  });
});

describe('a redirect is followed', () => {
  test.each([
    ['between public servers', PUBLIC, 'outside.test', OPERATOR],
    ['between private servers, of an address that an operator typed', PRIVATE, 'inside.test', OPERATOR],
    ['from a private server to a public one', 'inside.test', PUBLIC, OPERATOR],
    ['with --allow-private, to a private server', PUBLIC, PRIVATE, { allowPrivate: true }],
  ])('%s', async (_name, from, to, options) => {
    const served = await leading(({ at }) => at(to, '/secret'));

    expect(await textAt(served.at(from, '/start'), options)).toBe('secret');
  });

  test('as fetch does: with its bytes as UTF-8, to an address without a fragment, twenty times', async () => {
    const served: Site = await site({
      '/start': redirect(() => Buffer.from('/é#part').toString('latin1')),
      '/%C3%A9': 'found',
      '/loop': redirect(() => '/loop'),
    });
    const found = (await download(served.at(PUBLIC, '/start'))) as Download;

    expect([String(found.bytes), found.url, found.isPrivate]).toEqual(['found', served.at(PUBLIC, '/%C3%A9'), false]);
    expect(await textAt(served.at(PUBLIC, '/loop'))).toMatch(/^The server redirects from address to address without/);
    expect(served.asked.filter((line) => line.endsWith('/loop'))).toHaveLength(21);
  });
});

describe('a name', () => {
  test('is looked up once, and the connection goes to the address that was checked', async () => {
    names.set('rebinding.test', [[PUBLIC], [PRIVATE]]);
    const served = await leading(({ at }) => at('rebinding.test', '/secret'));

    expect(await textAt(served.at(PUBLIC, '/start'))).toBe('secret');
    expect([lookedUp, served.asked[1]]).toEqual([['rebinding.test'], `${PUBLIC} /secret`]);
  });

  test('that turns private between two redirects is refused', async () => {
    names.set('rebinding.test', [[PUBLIC], [PRIVATE]]);
    const served: Site = await site({
      '/start': redirect(() => served.at('rebinding.test', '/secret')),
      '/secret': 'secret',
    });

    expect(await textAt(served.at('rebinding.test', '/start'))).toMatch(/in a private network/);
    expect(served.asked).toEqual([`${PUBLIC} /start`]);
  });

  test('with addresses of both kinds leads a public server to the public one alone', async () => {
    const served = await leading(({ at }) => at('both.test', '/secret'));

    expect(await textAt(served.at(PUBLIC, '/start'))).toBe('secret');
    expect(served.asked[1]).toBe(`${PUBLIC} /secret`);
  });

  test('with addresses of both kinds leads an operator to the one that answers', async () => {
    const { at, asked } = await site({ '/feed': 'feed' }, PRIVATE);

    expect(await textAt(at('both.test', '/feed'))).toBe('feed');
    expect(await textAt(at('both.test', '/feed'), {})).toMatch(/ECONNREFUSED/);
    expect(asked).toEqual([`${PRIVATE} /feed`]);
  });

  test('that has no server keeps its own reason', async () => {
    names.set('empty.test', [[PUBLIC]]);
    const { at } = await site({}, PRIVATE);

    expect(await textAt(at('empty.test', '/feed'))).toMatch(/^No server listens at this address \(ECONNREFUSED\)/);
  });
});

test('an address that nobody typed may not be private', async () => {
  const { at, asked } = await site({ '/x': 'x' });

  expect(await textAt(at(PRIVATE, '/x'), {})).toBe(
    'The address is in a private network, and the source is not. Add --allow-private if you trust the source.',
  );
  expect(await textAt(at('localhost', '/x'), {})).toMatch(/^The address is in a private network/);
  expect(asked).toEqual([]);
});

const item = (
  id: string,
  body = '',
) => `<item><title>${id}</title><link>https://h.example/${id}</link><guid>${id}</guid>
<pubDate>Wed, 02 Oct 2024 13:00:00 GMT</pubDate><description><![CDATA[<p>x</p>${body}]]></description></item>`;
const rss = (items: string, head = '') =>
  `<rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom"><channel><title>H</title>${head}${items}</channel></rss>`;
const PIXEL = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);

async function imported(...args: readonly string[]): Promise<Finished> {
  const folder = await dataFolder();
  return command(['import', '--data', folder, '--rejected', join(folder, 'rejected.ndjson'), ...args]);
}

const SITE: Routes = {
  '/page': '<!doctype html><link rel="alternate" type="application/rss+xml" href="PRIVATE/feed">',
  '/feed': rss(item('a')),
  '/pages': rss(item('new'), '<atom:link rel="next" href="PRIVATE/older"/>'),
  '/older': rss(item('old')),
  '/pictures': rss(item('p', '<img src="PRIVATE/p.png"><img src="PUBLIC/moved.png">')),
  '/p.png': PIXEL,
};

describe.each([
  ['a public server', PUBLIC, [], false],
  ['a public server, with --allow-private,', PUBLIC, ['--allow-private'], true],
  ['a private server', PRIVATE, [], true],
])('what %s names in a private network', (_name, host, options, isRead) => {
  const asksFor = ({ asked }: Site) => asked.filter((line) => line.startsWith(PRIVATE) && !line.includes('page'));

  test('is read if it is a feed', async () => {
    const served = await site(SITE);
    const { code, out, err } = await imported(...options, served.at(host, '/page'));

    expect([code, /^1 created/.test(out), /in a private network/.test(err)]).toEqual(
      isRead ? [0, true, false] : [1, false, true],
    );
    expect(asksFor(served)).toEqual(isRead ? [`${PRIVATE} /feed`] : []);
  });

  test('is read if it is a further page', async () => {
    const served = await site(SITE);
    const { out, err } = await imported(...options, '--all', served.at(host, '/pages'));

    expect([out, /in a private network/.test(err)]).toEqual(
      isRead
        ? ['2 created, 0 updated, 0 unchanged, 0 refused\n', false]
        : ['1 created, 0 updated, 0 unchanged, 1 refused\n', true],
    );
    expect(asksFor(served)).toEqual(isRead ? [`${PRIVATE} /older`] : []);
  });

  test('is copied if it is a picture', async () => {
    const routes = { ...SITE, '/moved.png': redirect(() => served.at(PRIVATE, '/p.png?moved')), '/p.png?moved': PIXEL };
    const served: Site = await site(routes);
    const { out, err } = await imported(...options, '--media', served.at(host, '/pictures'));
    const copies = options.length > 0 ? 2 : Number(isRead); // a public picture may lead nowhere without the option

    expect(out).toBe(
      `1 created, 0 updated, 0 unchanged, 0 refused\nPictures: ${copies} copied, 0 copied earlier, ${2 - copies} not copied\n`,
    );
    expect(err.match(/in a private network/g) ?? []).toHaveLength(2 - copies);
    expect(asksFor(served).filter((line) => line.includes('.png'))).toHaveLength(copies);
  });
});

test('the pictures of a file are copied from private networks with --allow-private alone', async () => {
  const { at, asked } = await site(SITE);
  const folder = await dataFolder();
  await put(folder, 'in.json', JSON.stringify(record({ body: `<img src="${at(PRIVATE, '/p.png')}">` })));
  const { err } = await imported('--media', join(folder, 'in.json'));
  const { out } = await imported('--media', '--allow-private', join(folder, 'in.json'));

  expect(err).toBe(
    `${at(PRIVATE, '/p.png')} was not copied: The address is in a private network, and the source is not. Add --allow-private if you trust the source.\n`,
  );
  expect([out.includes('1 copied'), asked]).toEqual([true, [`${PRIVATE} /p.png`]]);
});

test('--every never trusts a feed that a public page names, also after its name has turned private', async () => {
  names.set('rebinding.test', [[PUBLIC], [PRIVATE]]);
  const page = () =>
    `<!doctype html><link rel="alternate" type="application/rss+xml" href="${served.at('rebinding.test', '/feed')}">`;
  const served: Site = await site({
    '/page': (_request, response) => void response.end(page()),
    '/feed': rss(item('a')),
  });
  const folder = await dataFolder();
  const stop = new AbortController();
  const onLine = (line: string) => {
    if (line.includes('private network')) stop.abort();
  };
  const args = ['import', '--every', '1s', '--data', folder, '--rejected', join(folder, 'r.ndjson')];
  await command([...args, served.at(PUBLIC, '/page')], { stop: stop.signal, onLine });

  expect(served.asked).toEqual([`${PUBLIC} /page`, `${PUBLIC} /feed`]);
});
