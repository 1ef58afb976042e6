import { describe, expect, test } from 'vitest';
import { parsePublication } from '../../src/config/publication.ts';
import { type Problem, PublisherError } from '../../src/errors.ts';

const SMALLEST = 'title: T\nurl: https://news.example/\ndescription: D.\nlanguage: en\n';

function parse(text: string) {
  return parsePublication(SMALLEST + text, 'p');
}

function problems(text: string): readonly Problem[] {
  try {
    parse(text);
  } catch (error) {
    if (error instanceof PublisherError && error.code === 'invalid_publication') return error.problems;
    throw error;
  }
  return [];
}

test('every field of terms, whole', () => {
  const { license, terms } = parse(`terms:
  license: { url: https://news.example/licence, name: House licence }
  search: yes
  aiAnswers: ask
  aiTraining: no
  dataMining: ask
  contact: { name: Rights desk, email: rights@news.example, url: https://news.example/rights }
  payment: { type: crawl, amount: 0.010, currency: usd, standard: https://collective.example/licence }
  contentUsage: yes
`);
  expect(license).toBe('https://news.example/licence');
  expect(terms).toEqual({
    license: { url: 'https://news.example/licence', name: 'House licence' },
    search: 'yes',
    aiAnswers: 'ask',
    aiTraining: 'no',
    dataMining: 'ask',
    contact: { name: 'Rights desk', email: 'rights@news.example', url: 'https://news.example/rights' },
    payment: { type: 'crawl', amount: '0.010', currency: 'USD', standard: 'https://collective.example/licence' },
    contentUsage: true,
  });
});

test('the shortest terms, and true and false for yes and no', () => {
  expect(parse('terms: { search: true, aiTraining: false }\n').terms).toEqual({
    search: 'yes',
    aiTraining: 'no',
    contentUsage: false,
  });
});

test.each([
  ['of the publication', 'license: https://a.example/l\nterms: { search: yes }\n'],
  ['of the terms', 'terms: { license: https://a.example/l, search: yes }\n'],
  ['of both', 'license: https://a.example/l\nterms: { license: { url: https://a.example/l }, search: yes }\n'],
])('there is one licence: that %s', (_, text) => {
  const { license, terms } = parse(text);
  expect([license, terms?.license]).toEqual(['https://a.example/l', { url: 'https://a.example/l' }]);
});

test('a publication without terms has none', () => {
  expect(parse('license: https://a.example/l\n')).not.toHaveProperty('terms');
});

const ONE_OF = 'must be one of yes, no, ask';
const AMOUNT = 'must be an amount above 0, as 0.015';
const CURRENCY = 'must be the code of a currency, as EUR (ISO 4217)';
const ASK = 'contact: { email: a@b.example }, search: ask';
const PAID = 'purchase, subscription, training, crawl, use';

describe('a problem has its place', () => {
  test.each([
    ['{}', 'terms', 'says nothing: set license, search, aiAnswers, aiTraining, dataMining'],
    [
      '{ contact: { email: a@b.example } }',
      'terms',
      'says nothing: set license, search, aiAnswers, aiTraining, dataMining',
    ],
    ['', 'terms', 'must be an object'],
    ['no', 'terms', 'must be an object'],
    ['{ search: maybe }', 'terms.search', ONE_OF],
    ['{ search: 1 }', 'terms.search', ONE_OF],
    ['{ aitraining: no }', 'terms.aitraining', 'is not a known field. Did you mean aiTraining?'],
    ['{ tdm: no }', 'terms.tdm', 'is not a known field. Did you mean dataMining?'],
    ['{ aiAnswers: ask }', 'terms.aiAnswers', 'needs somebody to ask: set terms.contact, with email or url'],
    [
      '{ dataMining: ask, contact: { name: A } }',
      'terms.dataMining',
      'needs somebody to ask: set terms.contact, with email or url',
    ],
    ['{ search: yes, contact: { email: a } }', 'terms.contact.email', 'must be an e-mail address'],
    [
      '{ license: ftp://x, search: yes }',
      'terms.license.url',
      'must be an http or https address of at most 4096 characters',
    ],
    [
      '{ search: yes, payment: { type: money } }',
      'terms.payment.type',
      'must be one of free, attribution, contribution, purchase, subscription, training, crawl, use',
    ],
    [
      '{ search: yes, payment: { type: crawl } }',
      'terms.payment.type',
      'is for uses that machines have to ask for: set search, aiAnswers, aiTraining, dataMining to ask',
    ],
    [
      '{ search: no, payment: { type: attribution } }',
      'terms.payment.type',
      'is for uses that are allowed: set search, aiAnswers, aiTraining, dataMining to yes or ask',
    ],
    [
      `{ ${ASK}, payment: { type: free, amount: 1, currency: EUR } }`,
      'terms.payment.amount',
      `is for the types ${PAID}`,
    ],
    [`{ ${ASK}, payment: { type: crawl, amount: 0, currency: EUR } }`, 'terms.payment.amount', AMOUNT],
    [`{ ${ASK}, payment: { type: crawl, amount: -1, currency: EUR } }`, 'terms.payment.amount', AMOUNT],
    [`{ ${ASK}, payment: { type: crawl, amount: 1e3, currency: EUR } }`, 'terms.payment.amount', AMOUNT],
    [`{ ${ASK}, payment: { type: crawl, amount: 1 } }`, 'terms.payment.amount', 'needs terms.payment.currency, as EUR'],
    [`{ ${ASK}, payment: { type: crawl, currency: EUR } }`, 'terms.payment.currency', 'needs terms.payment.amount'],
    [`{ ${ASK}, payment: { type: crawl, amount: 1, currency: EURO } }`, 'terms.payment.currency', CURRENCY],
    ['{ search: yes, contentUsage: maybe }', 'terms.contentUsage', 'must be yes or no'],
  ])('terms: %s', (text, field, rule) => {
    expect(problems(`terms: ${text}\n`).map((problem) => [problem.field, problem.rule, problem.line])).toEqual([
      [field, rule, 5],
    ]);
  });

  test('two licences', () => {
    const text = 'license: https://a.example/l\nterms: { license: https://b.example/l }\n';
    expect(problems(text)).toEqual([
      {
        field: 'license',
        rule: 'differs from the address in terms.license: keep one of them',
        line: 5,
        column: 10,
      },
    ]);
  });
});
