import { createServer, type IncomingMessage, request } from 'node:http';
import { describe, expect, onTestFinished, test } from 'vitest';
import {
  createClientOf,
  isPrivate,
  networkOf,
  parseTrust,
  UNKNOWN_CLIENT,
  withoutMapping,
} from '../../src/http/client.ts';

/** Who the service takes a request for that comes from 127.0.0.1 and brings this header. */
async function clientFor(trusted: string | undefined, forwarded: string | string[] | undefined) {
  const clientOf = createClientOf(trusted === undefined ? undefined : parseTrust(trusted));
  const server = createServer((asked, response) => response.end(clientOf(asked))).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await new Promise((resolve) => server.once('listening', resolve));
  const address = server.address();
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
  return new Promise<string>((resolve, reject) => {
    const headers = forwarded === undefined ? {} : { 'X-Forwarded-For': forwarded };
    const asked = request({ host: '127.0.0.1', port, headers, agent: false }, (response) => {
      let text = '';
      response.on('data', (chunk) => {
        text += chunk;
      });
      response.on('end', () => resolve(text));
    });
    asked.on('error', reject);
    asked.end();
  });
}

test.each<[trusted: string | undefined, forwarded: string | string[] | undefined, client: string, why: string]>([
  [undefined, undefined, '127.0.0.1', 'the peer'],
  [undefined, '203.0.113.7', '127.0.0.1', 'nobody is trusted'],
  ['0', '203.0.113.7', '127.0.0.1', 'nobody is trusted'],
  ['192.0.2.1', '203.0.113.7', '127.0.0.1', 'the peer is none of the trusted'],
  ['loopback', undefined, '127.0.0.1', 'the proxy asks for itself'],
  ['loopback', '203.0.113.7', '203.0.113.7', 'the proxy tells'],
  ['127.0.0.1', '203.0.113.7', '203.0.113.7', 'the proxy tells'],
  ['127.0.0.0/8', '203.0.113.7', '203.0.113.7', 'the proxy tells'],
  ['1', '203.0.113.7', '203.0.113.7', 'the one proxy tells'],
  [
    'loopback',
    '198.51.100.1, 203.0.113.7',
    '203.0.113.7',
    'what the client itself wrote stands before what the proxy did',
  ],
  ['1', '198.51.100.1, 203.0.113.7', '203.0.113.7', 'the same by number'],
  ['loopback', '127.0.0.1, 203.0.113.7', '203.0.113.7', 'a client that says it is the proxy'],
  ['loopback', ['198.51.100.1', '203.0.113.7'], '203.0.113.7', 'a client that sends a header of its own'],
  ['2', '198.51.100.1, 203.0.113.7, 192.0.2.1', '203.0.113.7', 'two proxies'],
  ['loopback, uniquelocal', '198.51.100.1, 203.0.113.7, 10.1.2.3', '203.0.113.7', 'two proxies, by their networks'],
  ['loopback,2001:db8::/32', '203.0.113.7, 2001:db8::1', '203.0.113.7', 'a proxy of IPv6'],
  ['loopback', '2001:db8:1:2::3', '2001:db8:1:2::3', 'a client of IPv6'],
  ['loopback', '::ffff:203.0.113.7', '203.0.113.7', 'a client of IPv4 in clothes of IPv6'],
  ['loopback', '', '127.0.0.1', 'nothing is told'],
  ['loopback', 'unknown', UNKNOWN_CLIENT, 'no address is told'],
  ['loopback', '203.0.113.7, x', UNKNOWN_CLIENT, 'no address is told last'],
  ['loopback', '203.0.113.7, x, 127.0.0.1', UNKNOWN_CLIENT, 'no address is told to the first proxy'],
  ['2', 'x, 203.0.113.7', UNKNOWN_CLIENT, 'no address is told behind two proxies'],
  ['2', '203.0.113.7, x', '203.0.113.7', 'the second proxy by number needs no address'],
  ['loopback', '203.0.113.256', UNKNOWN_CLIENT, 'no address'],
  ['loopback', `${'1.1.1.1,'.repeat(1000)}203.0.113.7`, '203.0.113.7', 'a long list'],
  ['loopback', `${','.repeat(4000)}`, '127.0.0.1', 'commas'],
])('trusting %s, with X-Forwarded-For %j, the client is %s: %s', async (trusted, forwarded, client) => {
  expect(await clientFor(trusted, forwarded)).toBe(client);
});

/** The client of a request that comes from 127.0.0.1, a trusted proxy, with these headers. */
function clientBehind(headers: Record<string, string>, onUnknown: (element: string) => void = () => {}): string {
  const socket = { remoteAddress: '127.0.0.1' };
  return createClientOf(parseTrust('loopback'), onUnknown)({ headers, socket } as unknown as IncomingMessage);
}

describe('a trusted proxy names its client', () => {
  test.each<[node: string, client: string]>([
    ['203.0.113.9', '203.0.113.9'],
    ['203.0.113.9:5678', '203.0.113.9'],
    ['203.0.113.9:0', '203.0.113.9'],
    ['203.0.113.9:_port', '203.0.113.9'],
    ['2001:db8::9', '2001:db8::9'],
    ['[2001:db8::9]', '2001:db8::9'],
    ['[2001:db8::9]:443', '2001:db8::9'],
    ['[2001:db8::9]:_a.b-c', '2001:db8::9'],
    ['[2001:DB8:0:0:0:0:0:9]:443', '2001:DB8:0:0:0:0:0:9'],
    ['2001:db8:0:0:0:0:0:9:443', '2001:db8:0:0:0:0:0:9'],
    ['[203.0.113.9]:443', '203.0.113.9'],
    ['::ffff:203.0.113.9', '203.0.113.9'],
    ['::FFFF:203.0.113.9', '203.0.113.9'],
    ['::ffff:cb00:7109', '203.0.113.9'],
    ['0:0:0:0:0:ffff:cb00:7109', '203.0.113.9'],
    ['0000:0000:0000:0000:0000:FFFF:CB00:7109', '203.0.113.9'],
    ['[::ffff:cb00:7109]:443', '203.0.113.9'],
    ['[::ffff:203.0.113.9%eth0]:443', '203.0.113.9'],
    ['fe80::9%eth0', 'fe80::9%eth0'],
    ['[fe80::9%eth0.100]:443', 'fe80::9%eth0.100'],
    ['[fe80::9%25br-lan]', 'fe80::9%25br-lan'],
    ['unknown', UNKNOWN_CLIENT],
    ['_hidden', UNKNOWN_CLIENT],
    ['_SEVKISEK:443', UNKNOWN_CLIENT],
    ['client.example', UNKNOWN_CLIENT],
    ['client.example:443', UNKNOWN_CLIENT],
    ['203.0.113.256', UNKNOWN_CLIENT],
    ['203.0.113.9:123456', UNKNOWN_CLIENT],
    ['203.0.113', UNKNOWN_CLIENT],
    ['203.0.113.009', UNKNOWN_CLIENT],
    ['0xcb007109', UNKNOWN_CLIENT],
    ['3405803785', UNKNOWN_CLIENT],
    ['2001:db8::9::1', UNKNOWN_CLIENT],
    ['[2001:db8::9', UNKNOWN_CLIENT],
    ['2001:db8::9]', UNKNOWN_CLIENT],
    ['[]:443', UNKNOWN_CLIENT],
    ['[203.0.113.9', UNKNOWN_CLIENT],
    ['-', UNKNOWN_CLIENT],
    ['"', UNKNOWN_CLIENT],
    ['""', UNKNOWN_CLIENT],
    ['constructor', UNKNOWN_CLIENT],
    ['x'.repeat(10_000), UNKNOWN_CLIENT],
  ])('as %s: %s', (node, client) => {
    expect(clientBehind({ 'x-forwarded-for': node })).toBe(client);
    expect(clientBehind({ 'x-forwarded-for': ` 198.51.100.1 ,\t"${node}" , ` })).toBe(client);
    expect(clientBehind({ 'x-forwarded-for': `"198.51.100.1, ${node},127.0.0.1:80,"127.0.0.1",[::1]:80` })).toBe(
      client,
    );
    expect(clientBehind({ forwarded: `for="${node}"` })).toBe(client);
    expect(clientBehind({ forwarded: `proto=https;For="${node}";host="a;for=198.51.100.1, b"` })).toBe(client);
    expect(clientBehind({ forwarded: `for=198.51.100.1, FOR="${node}";by=_x , for=127.0.0.1;` })).toBe(client);
    expect(clientBehind({ forwarded: `for="198.51.100.1, for="${node}"` })).toBe(client);
  });

  test.each<[string, Record<string, string>, string]>([
    ['a token', { forwarded: 'for=203.0.113.9' }, '203.0.113.9'],
    ['an escape', { forwarded: 'for="203.0\\.113.9"' }, '203.0.113.9'],
    ['white space', { forwarded: ' ; For = 203.0.113.9 ; ; proto=https ' }, '203.0.113.9'],
    ['a quotation mark that is escaped', { forwarded: 'for=203.0.113.9;host="\\",for=198.51.100.1"' }, '203.0.113.9'],
    ['no “for”', { forwarded: 'proto=https;by=203.0.113.9' }, UNKNOWN_CLIENT],
    ['two', { forwarded: 'for=203.0.113.9;for=198.51.100.1' }, UNKNOWN_CLIENT],
    ['no parameter', { forwarded: '203.0.113.9' }, UNKNOWN_CLIENT],
    ['a value without its end', { forwarded: 'for="203.0.113.9' }, UNKNOWN_CLIENT],
    ['a mapped proxy', { 'x-forwarded-for': '203.0.113.9, ::ffff:7f00:1' }, '203.0.113.9'],
    ['both headers', { 'x-forwarded-for': '203.0.113.9', forwarded: 'for=198.51.100.1' }, '203.0.113.9'],
    ['both, of which one is empty', { 'x-forwarded-for': ' , ', forwarded: 'for=203.0.113.9' }, '203.0.113.9'],
    ['both empty', { 'x-forwarded-for': '', forwarded: ',' }, '127.0.0.1'],
    ['proxies alone', { forwarded: 'for=127.0.0.2, for="[::1]"' }, '127.0.0.2'],
  ])('by %s', (_, headers, client) => {
    expect(clientBehind(headers)).toBe(client);
  });

  test('in a list of any length and form, which is read in proportion to its length', () => {
    const LONG = 15_000;
    for (const sign of [',', '"', '\\', ' ', ';', 'for=', '"\\', '[', ':', '127.0.0.1,', 'for=127.0.0.1,', '%', '=']) {
      const text = sign.repeat(LONG / sign.length);
      for (const header of ['x-forwarded-for', 'forwarded']) {
        expect(clientBehind({ [header]: `${text},${header === 'forwarded' ? 'for=' : ''}203.0.113.9` })).toBe(
          '203.0.113.9',
        );
        expect([UNKNOWN_CLIENT, '127.0.0.1']).toContain(clientBehind({ [header]: text }));
      }
    }
  });

  test('and what cannot be read is reported once', () => {
    const reported: string[] = [];
    const clientOf = createClientOf(parseTrust('loopback'), (element) => reported.push(element));
    const socket = { remoteAddress: '127.0.0.1' };
    const clients = ['203.0.113.9', '_a', 'unknown', 'x'].map((node) =>
      clientOf({ headers: { 'x-forwarded-for': node }, socket } as unknown as IncomingMessage),
    );

    expect(clients).toEqual(['203.0.113.9', UNKNOWN_CLIENT, UNKNOWN_CLIENT, UNKNOWN_CLIENT]);
    expect(reported).toEqual(['_a']);
  });
});

test.each([
  'true',
  'false',
  '-1',
  '1.5',
  '1e3',
  '9999',
  'loopback,1',
  'localhost',
  'proxy.example',
  '10.0.0.0/33',
  '0.0.0.0/0',
  '10.0.0',
  '::/0',
  ',',
  'loopback,',
  '127.0.0.1 10.0.0.1',
])('%s says nothing about proxies', (text) => {
  expect(() => parseTrust(text)).toThrow(TypeError);
});

describe('one client is', () => {
  test.each([
    ['203.0.113.7', '203.0.113.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
    ['2001:db8:1:2::', '2001:db8:1:2'],
    ['2001:db8:1:2::6', '2001:db8:1:2'],
    ['2001:db8:1::6', '2001:db8:1:0'],
    ['2001:db8::2:0:0:0:1', '2001:db8:0:2'],
    ['2001:db8::1', '2001:db8:0:0'],
    ['2001:db8:0:0:1::', '2001:db8:0:0'],
    ['::1', '0:0:0:0'],
    ['::', '0:0:0:0'],
    ['::1:2:3:4:5:6:7', '0:1:2:3'],
    ['fe80::1%eth0', 'fe80:0:0:0'],
    ['fe80::1%eth0.100', 'fe80:0:0:0'],
    ['fe80::1%br-lan', 'fe80:0:0:0'],
    ['::ffff:cb00:7109', '203.0.113.9'],
    [UNKNOWN_CLIENT, UNKNOWN_CLIENT],
  ])('%s → %s', (address, network) => {
    expect(networkOf(address)).toBe(network);
  });

  test.each([
    ['::ffff:203.0.113.7', '203.0.113.7'],
    ['203.0.113.7', '203.0.113.7'],
    ['::ffff:1', '::ffff:1'],
    ['::1', '::1'],
    ['', ''],
  ])('%s without the mapping is %s', (address, plain) => {
    expect(withoutMapping(address)).toBe(plain);
  });

  test.each([
    ['127.0.0.1', true],
    ['127.9.9.9', true],
    ['::1', true],
    ['10.1.2.3', true],
    ['172.16.0.1', true],
    ['172.31.255.255', true],
    ['192.168.1.1', true],
    ['169.254.1.1', true],
    ['fd00::1', true],
    ['fe80::1%eth0', true],
    ['fe80::1%eth0.100', true],
    ['fe80::1%br-lan', true],
    ['128.0.0.1', false],
    ['100.1.1.1', false],
    ['172.15.0.1', false],
    ['172.32.0.1', false],
    ['192.169.0.1', false],
    ['203.0.113.7', false],
    ['::ffff:0a00:1', true],
    [UNKNOWN_CLIENT, false],
    ['::2', false],
    ['fe00::1', false],
    ['fd::1', false],
    ['2001:db8::1', false],
    ['', false],
  ])('%s is of this machine or a private network: %s', (address, here) => {
    expect(isPrivate(address)).toBe(here);
  });
});
