import { createPrivateKey, createPublicKey } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { proofHeaders } from '../../src/partner/proof/delivery-proof.ts';
import { fitsDigest, reprDigest } from '../../src/partner/proof/digest.ts';
import { parseSavedAnswer } from '../../src/partner/proof/saved-answer.ts';
import {
  createSigner,
  isSignedBy,
  keyIdOf,
  parseSignatures,
  signatureBase,
} from '../../src/partner/proof/signature.ts';
import { isInnerList, itemText, parseDictionary } from '../../src/partner/proof/structured-fields.ts';
import { verifyDelivery } from '../../src/partner/proof/verify-delivery.ts';

/** RFC 9421, appendix B.1.4. */
const PRIVATE = createPrivateKey(`-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIJ+DYvh6SEqVTm50DFtMDoQikTmiCqirVv9mWG9qfSnF
-----END PRIVATE KEY-----
`);
const PUBLIC = createPublicKey(`-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAJrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs=
-----END PUBLIC KEY-----
`);

describe('RFC 9421, appendix B.2.6: ed25519', () => {
  const input =
    'sig-b26=("date" "@method" "@path" "@authority" "content-type" "content-length");created=1618884473;keyid="test-key-ed25519"';
  const signature =
    'sig-b26=:wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==:';
  const values = new Map([
    ['date', 'Tue, 20 Apr 2021 02:07:55 GMT'],
    ['@method', 'POST'],
    ['@path', '/foo'],
    ['@authority', 'example.com'],
    ['content-type', 'application/json'],
    ['content-length', '18'],
  ]);
  const parsed = parseSignatures(input, signature).get('sig-b26');
  if (parsed === undefined) throw new Error('no signature');

  test('its base', () => {
    expect(signatureBase(parsed.covered, (name) => values.get(name))).toBe(
      `"date": Tue, 20 Apr 2021 02:07:55 GMT
"@method": POST
"@path": /foo
"@authority": example.com
"content-type": application/json
"content-length": 18
"@signature-params": ("date" "@method" "@path" "@authority" "content-type" "content-length");created=1618884473;keyid="test-key-ed25519"`,
    );
  });

  test('it fits, and no other value does', () => {
    expect(isSignedBy(PUBLIC, parsed, (name) => values.get(name))).toBe(true);
    for (const changed of values.keys()) {
      expect(isSignedBy(PUBLIC, parsed, (name) => (name === changed ? 'x' : values.get(name)))).toBe(false);
      expect(isSignedBy(PUBLIC, parsed, (name) => (name === changed ? undefined : values.get(name)))).toBe(false);
    }
  });
});

test('the name of the key is its thumbprint: RFC 8037, appendix A.3', () => {
  const key = createPublicKey({
    key: { crv: 'Ed25519', kty: 'OKP', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' },
    format: 'jwk',
  });
  expect(keyIdOf(key)).toBe('kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k');
});

describe('Repr-Digest', () => {
  const bytes = Buffer.from('{"hello": "world"}\n'); // RFC 9530, appendix D

  test('is that of RFC 9530, and made once', () => {
    expect(reprDigest(bytes)).toBe('sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:');
    expect(reprDigest(bytes)).toBe(reprDigest(bytes));
  });

  test.each<[string, boolean | undefined]>([
    ['sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:', true],
    ['sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FaxDg=:', false],
    ['sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:, sha-512=:AAAA:', false],
    ['sha-256=1', false],
    ['md5=:AAAA:', undefined],
    ['', undefined],
    ['sha-256=:RK', undefined],
  ])('%s', (header, expected) => {
    expect(fitsDigest(header, bytes)).toBe(expected);
  });
});

describe('structured fields', () => {
  test.each([
    ['a=1, b;x;y="q\\"", c=?0', 3],
    ['a=("x" "y;z" tok/en);created=5;v=:AAE=:', 1],
    ['a=( "x"  "y" )', 1],
    ['', 0],
  ])('parses %s', (text, members) => {
    expect(parseDictionary(text)?.size).toBe(members);
  });

  test.each([
    'a=1,',
    'a=(',
    'a=("x""y")',
    'a="',
    'a=é',
    'A=1',
    'a=1 b=2',
    'a=1.5',
    'a=:*:',
    'a=;x',
    '=1',
    'a=("x"',
    `a="${'x'.repeat(20_000)}"`,
  ])('refuses %.20s', (text) => {
    expect(parseDictionary(text)).toBeUndefined();
  });

  test('what is serialized is parsed back', () => {
    const bare = fc.oneof(
      fc.string({ unit: fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code)) }),
      fc.integer({ min: -999_999_999_999_999, max: 999_999_999_999_999 }),
      fc.boolean(),
      fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes)),
    );
    fc.assert(
      fc.property(bare, bare, (value, parameter) => {
        const text = itemText({ value, parameters: new Map([['p', parameter]]) });
        const member = parseDictionary(`a=${text}`)?.get('a');
        expect(member !== undefined && !isInnerList(member) && [member.value, member.parameters.get('p')]).toEqual([
          value,
          parameter,
        ]);
      }),
      { numRuns: 100 },
    );
  });
});

const NOW = Date.parse('2026-11-20T12:00:00Z');
const ADDRESS = 'https://feeds.news.example/partners/herald/latest.rss';
const BODY = Buffer.from('<rss>a feed</rss>');
const KEY = { key: PUBLIC, id: keyIdOf(PUBLIC), pem: '' };

/** An answer as the service sends it, and as curl saves it. */
function saved({
  status = 200,
  body = BODY as Uint8Array,
  isHead = false,
  isSigned = true,
  line = '\r\n',
  http = 'HTTP/1.1 200 OK',
  headers = ['Content-Type', 'application/rss+xml; charset=utf-8', 'ETag', '"abc-br"', 'Content-Encoding', 'br'],
} = {}): Buffer {
  const proof = proofHeaders(
    { status, headers, representation: status === 304 ? undefined : body, address: ADDRESS },
    { signer: isSigned ? createSigner(PRIVATE, KEY.id) : undefined, now: NOW },
  );
  const all = [...headers, ...proof, 'Content-Length', String(body.length)];
  const lines = all.flatMap((name, index) => (index % 2 === 0 ? [`${name}: ${all[index + 1]}`] : []));
  return Buffer.concat([
    Buffer.from([http, ...lines, '', ''].join(line)),
    isHead || status === 304 ? Buffer.alloc(0) : body,
  ]);
}

function verdict(bytes: Uint8Array, key: typeof KEY | null = KEY) {
  const answer = parseSavedAnswer(bytes);
  if (answer === undefined) throw new Error('no answer');
  const { isProven, wrong, proven, unproven } = verifyDelivery(answer, key ?? undefined);
  return { isProven, wrong: wrong.join('; '), proven: proven.join('; '), unproven: unproven.join('; ') };
}

const edited = (bytes: Buffer, from: string, to: string) =>
  Buffer.from(bytes.toString('latin1').replace(from, to), 'latin1');
const swapped = edited;

test('an answer has what it is of, its digest, and a signature over both', () => {
  const headers = ['ETag', '"a"', 'Content-Type', 'text/plain'];
  const made = proofHeaders(
    { status: 200, headers, representation: BODY, address: ADDRESS },
    { signer: createSigner(PRIVATE, 'k'), now: NOW },
  );
  expect(made).toEqual([
    'Content-Location',
    ADDRESS,
    'Repr-Digest',
    reprDigest(BODY),
    'Signature-Input',
    'delivery=("@status" "content-type" "etag" "content-location" "repr-digest");created=1795176000;keyid="k";alg="ed25519";tag="feed-publisher-delivery"',
    'Signature',
    expect.stringMatching(/^delivery=:[A-Za-z0-9+/]{86}==:$/),
  ]);
  expect(proofHeaders({ status: 304, headers, address: ADDRESS }, { signer: undefined, now: NOW })).toEqual([
    'Content-Location',
    ADDRESS,
  ]);
});

describe('a saved answer is proven', () => {
  test.each<[string, Buffer]>([
    ['over HTTP/1.1', saved()],
    ['over HTTP/2', saved({ http: 'HTTP/2 200 ' })],
    ['with lines that end in LF', saved({ line: '\n' })],
    [
      'behind the head of a proxy',
      Buffer.concat([Buffer.from('HTTP/1.1 200 Connection established\r\n\r\n'), saved()]),
    ],
    [
      'behind a redirect and 100 Continue',
      Buffer.concat([Buffer.from('HTTP/1.1 308 Moved\r\nLocation: /a\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n'), saved()]),
    ],
    ['with headers that a proxy has added', edited(saved(), 'Content-Length', 'Via: 1.1 proxy\r\nContent-Length')],
  ])('%s', (_name, bytes) => {
    expect(verdict(bytes)).toEqual({
      isProven: true,
      wrong: '',
      proven: `the content is complete and unchanged: 17 bytes fit the Repr-Digest; the publisher sent the status 200 and this content for ${ADDRESS}, at 2026-11-20T12:00:00Z by the publisher’s clock: the signature fits the key; these headers are unchanged: content-type, content-encoding, etag, content-location, repr-digest`,
      unproven:
        'the other headers, and the client that got the answer; that the partner has read or shown the content: no answer can prove that',
    });
  });

  test('without a key, as far as the digest says', () => {
    const { isProven, proven, unproven } = verdict(saved(), null);
    expect([isProven, proven]).toEqual([true, 'the content is complete and unchanged: 17 bytes fit the Repr-Digest']);
    expect(unproven).toContain(`It names the key ${KEY.id}`);
    expect(verdict(saved({ isSigned: false }), null).unproven).toContain('it has no signature');
  });

  test('a 304 and the head alone: of a version', () => {
    expect(verdict(saved({ status: 304, http: 'HTTP/1.1 304 Not Modified' }))).toMatchObject({
      isProven: true,
      proven: expect.stringContaining('sent the status 304 and the ETag "abc-br"'),
    });
    expect(verdict(saved({ isHead: true }))).toMatchObject({
      isProven: true,
      unproven: expect.stringContaining('only the head of the answer'),
    });
    expect(verdict(saved({ isHead: true, isSigned: false }), null).isProven).toBe(false);
  });
});

describe('a saved answer is wrong', () => {
  const other = { ...KEY, id: 'another' };
  test.each<[string, Buffer, string, typeof KEY?]>([
    [
      'with other content',
      swapped(saved(), 'a feed', 'a fake'),
      'saved after decoding: save the bytes as they come in the coding br',
    ],
    ['cut', saved().subarray(0, -3), 'does not fit the Repr-Digest'],
    [
      'with other content and its digest',
      swapped(edited(saved(), reprDigest(BODY), reprDigest(Buffer.from('<rss>a fake</rss>'))), 'a feed', 'a fake'),
      'a signed header, or the signature itself, was changed',
    ],
    [
      'with another status',
      edited(saved(), '200 OK', '203 OK'),
      'a signed header, or the signature itself, was changed',
    ],
    [
      'of another feed',
      edited(saved(), 'herald/latest', 'herald/other'),
      'a signed header, or the signature itself, was changed',
    ],
    [
      'at another time',
      edited(saved(), 'created=1795176000', 'created=1795176001'),
      'a signed header, or the signature itself, was changed',
    ],
    [
      'with a type twice',
      edited(saved(), 'ETag', 'Content-Type: text/plain\r\nETag'),
      'a signed header, or the signature itself, was changed',
    ],
    [
      'without a digest',
      edited(saved({ isSigned: false }), 'Repr-Digest', 'X-Digest'),
      'the answer has no Repr-Digest',
    ],
    ['without a signature', saved({ isSigned: false }), 'the answer has no signature of a delivery'],
    [
      'with the signature of another application',
      edited(saved(), 'feed-publisher-delivery', 'another'),
      'the answer has no signature of a delivery',
    ],
    ['with another key', edited(saved(), 'ETag: "abc', 'ETag: "abd'), 'and you have given the key another', other],
  ])('%s', (_name, bytes, reason, key = KEY) => {
    const { isProven, wrong, unproven } = verdict(bytes, key);
    expect([isProven, wrong]).toEqual([false, expect.stringContaining(reason)]);
    expect(unproven).not.toContain(reason);
  });

  test('a signature that leaves out the content says nothing of it', () => {
    const answer = parseSavedAnswer(saved({ isSigned: false }));
    if (answer === undefined) throw new Error('no answer');
    const headers = createSigner(PRIVATE, KEY.id).sign(new Map([['@status', '200']]), NOW);
    const fields = new Map([
      ...answer.fields,
      ['signature-input', headers['Signature-Input']],
      ['signature', headers.Signature],
    ] as const);
    expect(verifyDelivery({ ...answer, fields }, KEY)).toMatchObject({
      isProven: false,
      wrong: ['the signature leaves out content-location, repr-digest, and so does not say what the publisher sent'],
    });
  });

  test.each(['', 'no answer', '<rss/>', 'HTTP/1.1 OK\r\n\r\n', 'HTTP/1.1 200 OK\r\nA: b\r\n'])(
    'no answer: %j',
    (text) => {
      expect(parseSavedAnswer(Buffer.from(text))).toBeUndefined();
    },
  );

  test('a file of heads is no answer, however long it is', () => {
    const head = Buffer.from('HTTP/1.1 200 OK\r\n\r\n');
    expect(parseSavedAnswer(Buffer.concat([head, head, head]))?.body).toHaveLength(0);
    expect(parseSavedAnswer(Buffer.alloc(50_000_000, head))).toBeUndefined();
  });
});
