import { expect, test } from 'vitest';
import { isRegisteredLanguage } from '../../src/lib/registered-language.ts';

test.each([
  ...[
    'en',
    'en-GB',
    'pt-BR',
    'ku',
    'ckb',
    'kmr',
    'sdh',
    'hac',
    'lki',
    'zza',
    'ku-Arab-IQ',
    'es-419',
    'zh-Hant-TW',
    'sr-Latn',
  ],
  ...[
    'de-CH-1996',
    'sl-rozaj',
    'und',
    'mul',
    'zxx',
    'mis',
    'qaa',
    'en-XK',
    'en-x-house',
    'de-u-co-phonebk',
    'tlh',
    'aaa',
    'gsw',
  ],
])('%s is registered', (tag) => {
  expect(isRegisteredLanguage(tag)).toBe(true);
});

test.each([
  ...[
    'xx',
    'xx-YY',
    'en-YY',
    'xyz',
    'english',
    'English',
    'German',
    'deutsch',
    'french',
    'kurdish',
    'turkish',
    'arabic',
  ],
  ...['en-Abcd', 'zz', 'kurdi', '', 'english please', 'e'],
])('%j is not', (tag) => {
  expect(isRegisteredLanguage(tag)).toBe(false);
});
