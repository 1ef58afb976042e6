// @module-tag soak
import { expect, test } from 'vitest';
import { ask, FAST_PATH } from '../helpers.ts';
import { answersIn, speak } from '../raw.ts';
import { besiege } from '../soak/besieged.ts';
import { sized } from '../soak/sizes.ts';

/** How often each of them comes. */
const TIMES = sized({ short: 5, soak: 25, full: 2000 });

const get = (lines: string, path = '/feeds/latest.rss') => `GET ${path} HTTP/1.1\r\nHost: a\r\n${lines}\r\n\r\n`;
const chunked = 'Transfer-Encoding: chunked';

/** The bytes of a request, and the statuses of all answers before the connection is closed. */
const TABLE: Readonly<Record<string, readonly [said: string | Uint8Array, statuses: readonly number[]]>> = {
  'a method nobody knows': ['BREW / HTTP/1.1\r\nHost: a\r\n\r\n', [400]],
  'a method in small letters': ['get / HTTP/1.1\r\nHost: a\r\n\r\n', [400]],
  'no method': [' / HTTP/1.1\r\nHost: a\r\n\r\n', [400]],
  'no path': ['GET HTTP/1.1\r\nHost: a\r\n\r\n', [400]],
  'a path with a space': [get('X: x', '/a b'), [400]],
  'a version nobody knows': ['GET / HTTP/9.9\r\nHost: a\r\n\r\n', [400]],
  'a version that is none': ['GET / HTTP/x\r\nHost: a\r\n\r\n', [400]],
  'another protocol': ['GET / FTP/1.1\r\nHost: a\r\n\r\n', [400]],
  'HTTP/2 without asking': ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', [400]],
  'HTTP/0.9': ['GET /\r\n\r\n', [200]],
  'no Host': ['GET / HTTP/1.1\r\n\r\n', [400]],
  'no Host, in HTTP/1.0': ['GET / HTTP/1.0\r\n\r\n', [200]],
  'two Hosts': [get('hOST: a'), [400]],
  'two Hosts, in HTTP/1.0': ['GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n', [400]],
  'a field without a colon': [get('Colonless'), [400]],
  'a field without a name': [get(': x'), [400]],
  'a name with a space': [get('A b: x'), [400]],
  'a space before the colon': [get('A : x'), [400]],
  'a field that is folded': [get('A: x\r\n y'), [400]],
  'a bare carriage return': [get('A: x\ry'), [400]],
  'a NUL in a field': [get('A: x\0y'), [400]],
  'a NUL in the path': [get('A: x', '/a\0b'), [400]],
  'a field of 20 kB': [get(`A: ${'x'.repeat(20_000)}`), [431]],
  'a path of 20 kB': [get('A: x', `/${'x'.repeat(20_000)}`), [431]],
  '2,500 fields': [get(`Connection: close${'\r\nA: x'.repeat(2500)}`), [431]],
  '200 fields': [get(`Connection: close${'\r\nA: x'.repeat(200)}`), [431]],
  'two lengths': [get('Content-Length: 1\r\nContent-Length: 2'), [400]],
  'a length and chunks': [get(`Content-Length: 4\r\n${chunked}`), [400]],
  'chunks and a length': [get(`${chunked}\r\nContent-Length: 4`), [400]],
  'a negative length': [get('Content-Length: -1'), [400]],
  'a length that is none': [get('Content-Length: 0x10'), [400]],
  'a length beyond all': [get(`Content-Length: ${'9'.repeat(30)}`), [400]],
  'a coding of transfer nobody knows': [get('Transfer-Encoding: sideways'), [400]],
  'a coding of transfer before the chunks': [`${get('Transfer-Encoding: gzip, chunked')}0\r\n\r\n`, [400]],
  'chunks, in HTTP/1.0': [`GET / HTTP/1.0\r\nHost: a\r\n${chunked}\r\n\r\n0\r\n\r\n`, [400]],
  'a Connection that names the length': [get('Connection: close, Content-Length'), [400]],
  'chunked, and not last': [get('Transfer-Encoding: chunked, gzip'), [400]],
  'a chunk whose size is none': [`${get(chunked)}zz\r\n`, [200, 400]],
  'a chunk of negative size': [`${get(chunked)}-1\r\n`, [200, 400]],
  'a chunk that is longer than it says': [`${get(chunked)}1\r\nxxxx\r\n`, [200, 400]],
  'an extension of a chunk of 20 kB': [`${get(chunked)}1;${'x'.repeat(20_000)}\r\n`, [200, 400]],
  'an expectation nobody has': [get('Expect: miracles'), [417]],
  'an expectation nobody has, of nobody': ['GET / HTTP/1.1\r\nExpect: miracles\r\n\r\n', [400]],
  CONNECT: ['CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n', [400]],
  'an upgrade nobody offers': [get('Connection: close, upgrade\r\nUpgrade: websocket'), [200]],
  'an address in absolute form': [get('Connection: close', 'http://elsewhere.example/feeds/latest.rss'), [200]],
  'an asterisk': ['OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n', [204]],
  'a percent sign': [get('Connection: close', '/feeds/%'), [400]],
  'what is not UTF-8': [get('Connection: close', '/feeds/%ff.rss'), [400]],
  'junk behind a request': [`${get('A: x')}\x01\x02\x03junk`, [200, 400]],
  'junk behind two': [`${get('A: x')}${get('A: x', '/nothing')}junk\r\n\r\n`, [200, 404, 400]],
  'the answer of another server': ['HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n', [400]],
  'the beginning of TLS': [Buffer.from('160301020001000100000303', 'hex'), [400]],
  mail: ['EHLO relay.example\r\n', [400]],
  zeros: [Buffer.alloc(1000), [400]],
  'all bytes there are': [Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)), [400]],
};

const CODE_OF: Readonly<Record<number, string>> = {
  400: 'malformed_request',
  404: 'not_found',
  417: 'expectation_failed',
  431: 'headers_too_large',
};
/** Codes of requests whose form is right. */
const CODES: Readonly<Record<string, string>> = {
  'a percent sign': 'invalid_path',
  'what is not UTF-8': 'invalid_path',
};

test('malformed requests each get their error, and hold nobody up', async () => {
  const service = await besiege();
  await ask(service.port, '/feeds/latest.rss'); // ready from now on, and so sent before a body turns out to be broken
  const wrong = await service.politely(async () => {
    for (let time = 0; time < TIMES; time += 1) {
      await Promise.all(
        Object.entries(TABLE).map(async ([name, [said, statuses]]) => {
          const { closed } = await speak(service.port, said);
          const answers = answersIn(await closed);
          // Through Express, the answer to a request may come after its body turns out to be broken, and is not sent then.
          const possible = FAST_PATH ? [statuses] : [statuses, statuses.slice(-1)];
          expect(possible, name).toContainEqual(answers.map(({ status }) => status));
          const last = answers.at(-1);
          const code = CODES[name] ?? CODE_OF[last?.status ?? 0];
          if (code !== undefined) expect(JSON.parse(last?.body ?? ''), name).toMatchObject({ code });
        }),
      );
    }
  });

  expect(wrong).toEqual([]);
  await service.expectRecovered();
  expect(await service.stop()).toBe(0);
});
