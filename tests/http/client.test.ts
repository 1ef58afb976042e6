import { createServer, request } from 'node:http';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createClientOf, isPrivate, networkOf, parseTrust, withoutMapping } from '../../src/http/client.ts';

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
  ['loopback', 'unknown', '127.0.0.1', 'no address is told'],
  ['loopback', '203.0.113.7, x', '127.0.0.1', 'no address is told last'],
  ['loopback', '203.0.113.256', '127.0.0.1', 'no address'],
  ['loopback', '203.0.113.7:4711', '127.0.0.1', 'no address'],
  ['loopback', `${'1.1.1.1,'.repeat(1000)}203.0.113.7`, '203.0.113.7', 'a long list'],
  ['loopback', `${','.repeat(4000)}`, '127.0.0.1', 'commas'],
])('trusting %s, with X-Forwarded-For %j, the client is %s: %s', async (trusted, forwarded, client) => {
  expect(await clientFor(trusted, forwarded)).toBe(client);
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
    ['::2', false],
    ['fe00::1', false],
    ['fd::1', false],
    ['2001:db8::1', false],
    ['', false],
  ])('%s is of this machine or a private network: %s', (address, here) => {
    expect(isPrivate(address)).toBe(here);
  });
});
