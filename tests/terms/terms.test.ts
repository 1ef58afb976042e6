import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Publication, parsePublication } from '../../src/config/publication.ts';
import { assertWellFormed } from '../../src/format/xml.ts';
import { rslDocument } from '../../src/terms/rsl.ts';
import { robotsTerms, termsByHost, termsHeaders, termsInHeaders } from '../../src/terms/statements.ts';
import { tdmFile, tdmPolicy } from '../../src/terms/tdmrep.ts';

const PERMISSIONS = ['yes', 'no', 'ask', undefined];
const ADDRESSES = { url: 'https://www.example.com/', feedsUrl: 'https://feeds.example.com/' };

function publication(fields: object): Publication {
  const required = { title: 'T', description: 'D', language: 'en', ...ADDRESSES };
  return parsePublication(JSON.stringify({ ...required, ...fields }), 'p');
}

const text = fc.string({ unit: 'binary', minLength: 1, maxLength: 20 }).filter((value) => /\w/.test(value));
const permission = fc.constantFrom(...PERMISSIONS);

/** Terms of every kind, with any text. */
const publications = fc
  .record({
    title: text,
    path: fc.webPath(),
    name: text,
    uses: fc.record({ search: permission, aiAnswers: permission, aiTraining: permission, dataMining: permission }),
    contentUsage: fc.boolean(),
  })
  .map(({ title, path, name, uses, contentUsage }) =>
    publication({
      title,
      feedsUrl: `https://feeds.example.com${path}`,
      terms: {
        ...uses,
        contentUsage,
        license: { url: `https://www.example.com${path}`, name },
        contact: { name, email: 'a@b.example', url: `https://www.example.com${path}?a=1&b="<'>` },
      },
    }),
  );

test('documents are well-formed, whatever the terms are', () => {
  fc.assert(
    fc.property(publications, (made) => {
      const rsl = rslDocument(made);
      if (rsl !== undefined) assertWellFormed(rsl);
      for (const json of [tdmFile(made), tdmPolicy(made)]) if (json !== undefined) JSON.parse(json);
    }),
  );
});

test('headers and lines are single lines of ASCII, whatever the terms are', () => {
  fc.assert(
    fc.property(publications, (made) => {
      const { global, group } = robotsTerms(made);
      for (const line of [...Object.entries(termsHeaders(made)).flat(), ...global, ...group])
        expect(line).toMatch(/^[\x21-\x7E][\x20-\x7E]*$/);
    }),
  );
});

const TDM_POLICY = 'https://feeds.example.com/tdm-policy.json';

test.each([
  ['search', 'yes', 'permits search', 'search=yes', 'search=y', {}],
  ['search', 'no', 'prohibits search', 'search=no', 'search=n', {}],
  ['search', 'ask', 'asks for search', 'search=no', 'search=n', {}],
  ['aiAnswers', 'yes', 'permits ai-input ai-index', 'ai-input=yes', 'ai-use=y', {}],
  ['aiAnswers', 'no', 'prohibits ai-input ai-index', 'ai-input=no', 'ai-use=n', {}],
  ['aiAnswers', 'ask', 'asks for ai-input ai-index', 'ai-input=no', 'ai-use=n', {}],
  ['aiTraining', 'yes', 'permits ai-train', 'ai-train=yes', 'train-ai=y', {}],
  ['aiTraining', 'no', 'prohibits ai-train', 'ai-train=no', 'train-ai=n', {}],
  ['aiTraining', 'ask', 'asks for ai-train', 'ai-train=no', 'train-ai=n', {}],
  ['dataMining', 'yes', undefined, undefined, undefined, { 'tdm-reservation': '0' }],
  ['dataMining', 'no', undefined, undefined, undefined, { 'tdm-reservation': '1' }],
  ['dataMining', 'ask', undefined, undefined, undefined, { 'tdm-reservation': '1', 'tdm-policy': TDM_POLICY }],
])('%s: %s', (use, value, rsl, signal, preference, tdm) => {
  const made = publication({ terms: { [use]: value, contentUsage: true, contact: { email: 'a@b.example' } } });
  const document = rslDocument(made) ?? '';
  const [, kind, tokens] = /<(permits|prohibits) type="usage">([^<]*)</.exec(document) ?? [];
  const verb = document.includes('<custom>mailto:a@b.example</custom>') ? 'asks for' : kind;

  expect(kind && `${verb} ${tokens}`).toBe(rsl);
  expect(robotsTerms(made).group).toEqual(
    signal === undefined ? [] : [`Content-Signal: ${signal}`, `Content-Usage: ${preference}`],
  );
  expect(termsHeaders(made)).toEqual({ ...tdm, ...(preference && { 'Content-Usage': preference }) });
});

test('terms that reach no header leave tags as they are', () => {
  expect(termsInHeaders(publication({ terms: { license: 'https://www.example.com/licence' } }))).toBeUndefined();
  expect(termsInHeaders(publication({ license: 'https://www.example.com/licence' }))).toBeUndefined();
});

test('docs/terms.md has the lines of its example', () => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/terms.md'), 'utf8');
  const [, yaml = ''] = /```yaml\n([\s\S]*?)```/.exec(page) ?? [];
  const [, lines = ''] = /```\n(License:[\s\S]*?)```/.exec(page) ?? [];
  const made = parsePublication(
    `title: T\nurl: ${ADDRESSES.url}\nfeedsUrl: ${ADDRESSES.feedsUrl}\ndescription: D\nlanguage: en\n${yaml}`,
    'p',
  );
  const hosts = termsByHost(made);
  expect(hosts.map(({ root }) => root)).toEqual([ADDRESSES.feedsUrl, ADDRESSES.url]);
  for (const { robots, files } of hosts) {
    expect([...robots.global, '', 'User-agent: *', ...robots.group, ''].join('\n')).toBe(lines);
    expect(files.map(({ path }) => path)).toEqual(['.well-known/tdmrep.json']);
  }
});
