import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  composed,
  directionOf,
  escapeHtml,
  lineText,
  shorten,
  slugOf,
  titleText,
  xmlText,
} from '../../src/lib/text.ts';

test.each([
  ['C0 controls go', 'a\u0000\u0001\u0008\u000B\u000C\u000E\u001Fb', 'ab'],
  ['tab and line feed stay', 'a\t\nb', 'a\t\nb'],
  ['DEL and C1 controls go', 'a\u007F\u0080\u0084\u0086\u009Fb', 'ab'],
  ['noncharacters that XML forbids go', 'a\uFFFE\uFFFFb', 'ab'],
  ['the others stay', 'a\uFDD0\u{1FFFE}b', 'a\uFDD0\u{1FFFE}b'],
  ['a lone high surrogate', 'a\uD83Db', 'a\uFFFDb'],
  ['a lone low surrogate', 'a\uDE00b', 'a\uFFFDb'],
  ['surrogates in the wrong order', '\uDE00\uD83D', '\uFFFD\uFFFD'],
  ['a pair stays', '\uD83D\uDE00', '😀'],
  ['every line end is a line feed', 'a\r\nb\rc\u0085d\r\r\ne', 'a\nb\nc\nd\n\ne'],
  ['what is between two surrogates goes after they were judged', '\uD83D\u0000\uDE00', '\uFFFD\uFFFD'],
])('xmlText: %s', (_, text, expected) => {
  expect(xmlText(text)).toBe(expected);
});

test.each([
  ['white space of any kind is one space', ' a \t\r\n\u00A0\u2028\u3000 b ', 'a b'],
  ['single spaces of another kind stay', '10\u00A0000 morts\u202F! 東\u3000京', '10\u00A0000 morts\u202F! 東\u3000京'],
  ['single line ends and tabs are spaces', 'a\tb\nc\u2028d\u2029e', 'a b c d e'],
  ['zero-width characters are none', 'می\u200Cخواهم', 'می\u200Cخواهم'],
  ['only white space', ' \n ', ''],
  ['only controls', '\u0000\u0007', ''],
])('lineText: %s', (_, text, expected) => {
  expect(lineText(text)).toBe(expected);
});

test.each([
  ['en', 'ltr'],
  ['ku', 'ltr'],
  ['tr', 'ltr'],
  ['ckb', 'rtl'],
  ['ar', 'rtl'],
  ['fa', 'rtl'],
  ['he', 'rtl'],
  ['ur-PK', 'rtl'],
  ['ku-Arab', 'rtl'],
  ['az-Latn', 'ltr'],
  ['und', 'ltr'],
] as const)('%s is written %s', (language, direction) => {
  expect(directionOf(language)).toBe(direction);
});

describe('a title', () => {
  test.each([
    ['of one direction needs nothing', 'Dam levels, 1:2', 'ltr', 'Dam levels, 1:2'],
    ['of one direction needs nothing, rtl', 'ئاستی ئاو ٪٥٠', 'rtl', 'ئاستی ئاو ٪٥٠'],
    ['without a strong character needs nothing', '2026', 'rtl', '2026'],
    ['without a strong character needs nothing, ltr', '٪٥٠ – ٢٠٢٦!', 'ltr', '٪٥٠ – ٢٠٢٦!'],
    ['with a number in front needs nothing', '2026: ئاو 3–0!', 'rtl', '2026: ئاو 3–0!'],
    ['with a number in front needs nothing, ltr', '($3m) lost', 'ltr', '($3m) lost'],
    ['with loose signs needs nothing', '«ئاو» کەمە!', 'rtl', '«ئاو» کەمە!'],
    ['is on one line', ' a\n b ', 'ltr', 'a b'],
    ['that begins in its own direction needs nothing', 'The word وشە', 'ltr', 'The word وشە'],
    ['that begins in its own direction needs nothing, rtl', 'شركة IBM تعلن', 'rtl', 'شركة IBM تعلن'],
    ['that begins with Hebrew in English', 'שלום all', 'ltr', '\u200Eשלום all'],
    ['that begins with Arabic behind a sign', '“وشە” is a word', 'ltr', '\u200E“وشە” is a word'],
    ['that begins with an Arabic sign', '؟ is a sign', 'ltr', '\u200E؟ is a sign'],
    ['that begins with English in Arabic', 'IBM تعلن', 'rtl', '\u200FIBM تعلن'],
    ['that begins with Cyrillic behind a number', '7 мир وشە', 'rtl', '\u200F7 мир وشە'],
    ['that begins with Adlam in English', '\u{1E900} is a letter', 'ltr', '\u200E\u{1E900} is a letter'],
    ['that begins with a Devanagari vowel sign', '\u093F وشە', 'rtl', '\u200F\u093F وشە'],
    ['all in the other direction', 'IBM', 'rtl', '\u200FIBM'],
    ['with a mark already', '\u200FIBM وشە', 'rtl', '\u200FIBM وشە'],
    ['with an Arabic letter mark already', '\u061CIBM', 'rtl', '\u061CIBM'],
    ['with a mark inside', 'a \u200Fوشە', 'ltr', 'a \u200Fوشە'],
    ['with an embedding already', '\u202Bوشە\u202C b', 'ltr', '\u202Bوشە\u202C b'],
    ['with an isolate already', '\u2067وشە\u2069 b', 'rtl', '\u2067وشە\u2069 b'],
    ['with an isolate behind a sign', '– \u2067وشە\u2069 b', 'ltr', '– \u2067وشە\u2069 b'],
  ] as const)('%s', (_, text, direction, expected) => {
    expect(titleText(text, direction)).toBe(expected);
  });
});

describe('shorten', () => {
  test.each([
    ['what fits stays', 'one two', 7, 'one two'],
    ['between words', 'one two three', 10, 'one two…'],
    ['a word that just fits stays', 'one two three', 8, 'one two…'],
    ['one unit less and it goes', 'seventeen two', 12, 'seventeen…'],
    ['no sign is left hanging', 'one, two – (three four', 12, 'one, two…'],
    ['nor an Arabic one', 'یەک دوو، سێ چوار', 11, 'یەک دوو…'],
    ['without words, between characters', '你好世界你好世界', 5, '你好世界…'],
    ['a space far in front is not taken', 'a bbbbbbbbbbbbbbbb', 10, 'a bbbbbbb…'],
    ['never within a surrogate pair', '😀😀😀', 4, '😀…'],
    ['never within an emoji family', '👨‍👩‍👧‍👦👨‍👩‍👧‍👦', 20, '👨‍👩‍👧‍👦…'],
    ['never within a flag', '🇮🇶🇮🇶🇮🇶', 7, '🇮🇶…'],
    ['never before a combining mark', 'eeee\u0301eeee', 5, 'eee…'],
    ['a first character too long is left out', `e${'\u0301'.repeat(200)}e`, 10, '…'],
  ])('%s', (_, text, limit, expected) => {
    expect(shorten(text, limit)).toBe(expected);
    expect(expected.length).toBeLessThanOrEqual(limit);
  });
});

describe('a slug', () => {
  test.each([
    ['Middle East', 'middle-east'],
    ['  Art & Life/Style! ', 'art-life-style'],
    ["Women's Rights", 'womens-rights'],
    ['Women’s Rights', 'womens-rights'],
    ['Şırnak İzmir', 'şırnak-izmir'],
    ['Kurdî û Çand', 'kurdî-û-çand'],
    ['Kurdi\u0302', 'kurdî'],
    ['کوردستان', 'کوردستان'],
    ['ڕۆژهەڵاتی ناوەڕاست', 'ڕۆژهەڵاتی-ناوەڕاست'],
    ['می\u200Cخواهم', 'می-خواهم'],
    ['مُحَمَّد', 'محمد'],
    ['محـــمد', 'محمد'],
    ['الشرق الأوسط، اليوم', 'الشرق-الأوسط-اليوم'],
    ['Ближний Восток', 'ближний-восток'],
    ['हिन्दी समाचार', 'हिन्दी-समाचार'],
    ['中東・新聞', '中東-新聞'],
    ['ﬁnance', 'finance'],
    ['２０２６', '2026'],
    ['C++', 'c-plus-plus'],
    ['Ｃ＋＋', 'c-plus-plus'],
    ['C++17', 'c-plus-plus-17'],
    ['C#', 'c-sharp'],
    ['C#.NET', 'c-sharp-net'],
    ['Canal +', 'canal-plus'],
    ['Talk #MeToo', 'talk-metoo'],
    ['50 %', '50-percent'],
    ['٥٠٪', '٥٠-percent'],
    ['US$', 'us-dollar'],
    ['$1.5 billion', 'dollar-1-5-billion'],
    ['A$AP', 'a-ap'],
    ['Op-Ed -', 'op-ed'],
    ['Features-', 'features'],
    ['AB−', 'ab-minus'],
    ['AB--', 'ab-minus-minus'],
    ['.NET', 'dot-net'],
    ['...and justice', 'and-justice'],
    ['Node.js', 'node-js'],
    ['+', 'plus'],
    ['#', 'number-sign'],
    ['$', 'dollar-sign'],
    ['%', 'percent-sign'],
    ['@', 'commercial-at'],
    ['*', 'asterisk'],
    ['?!', 'question-mark-exclamation-mark'],
    ['- $', 'dollar-sign'],
    ['..', 'full-stop-full-stop'],
    ['…', 'full-stop-full-stop-full-stop'],
    ['/', 'solidus'],
    ['€', '€'],
    ['€%', '€%'],
    ['€/', '€'],
    ['©', '©'],
    ['--', '--'],
    ['–', '–'],
    ['😀', '😀'],
    ['Sport ⚽', 'sport-⚽'],
    ['Sport⚽️', 'sport-⚽'],
    ['❤', '❤'],
    ['❤️', '❤'],
    ['👍🏽', '👍🏽'],
    ['👨‍👩‍👧', '👨‍👩‍👧'],
    ['🏳️‍🌈 Pride', '🏳‍🌈-pride'],
    ['🏴󠁧󠁢󠁳󠁣󠁴󠁿', '🏴󠁧󠁢󠁳󠁣󠁴󠁿'],
    ['1️⃣', '1⃣'],
    ['#️⃣', '#⃣'],
    ['₺100', '₺-100'],
    ['Windows®', 'windows'],
    ['Sport | Kultur', 'sport-kultur'],
    ['\u200B\uFE0F', ''],
    ['ـ', ''],
    ['', ''],
  ])('%s → %s', (name, expected) => {
    expect(slugOf(name)).toBe(expected);
    expect(slugOf(expected)).toBe(expected);
  });

  test.each([
    ['signs of programming languages', ['C', 'C++', 'C#', 'C♭', 'C*', 'C-', 'C$', 'C%']],
    ['signs of keyboards', Array.from('!"#$%&\'()*+,./:;<=>?@[\\]^_`{|}~-')],
    ['signs beyond keyboards', Array.from('€£¥₺₹₿§¶†‡•°©®™←→∞≠≈–—“”„«»¿¡…·♯♭−')],
    [
      'emoji',
      ['😀', '😃', '❤', '💙', '⚽', '🏀', '☀', '☎', '♥', '♠', '✓', '★', '☆', '😀😀', '👨👩👧', '👨‍👩‍👧', '👨‍👩‍👦'],
    ],
    ['flags', ['🇩🇪', '🇫🇷', '🇹🇷', '🏴', '🏴󠁧󠁢󠁥󠁮󠁧󠁿', '🏴󠁧󠁢󠁳󠁣󠁴󠁿', '🏳️‍🌈', '🏳️', '🏴‍☠️', '🇩', '🇩🇪🇫🇷']],
    ['skin tones', ['👍', '👍🏻', '👍🏼', '👍🏽', '👍🏾', '👍🏿', '🏻']],
    ['keycaps', ['1', '1️⃣', '2️⃣', '#️⃣', '*️⃣', '🔟']],
    [
      'emoji beside words',
      ['Sport', 'Sport ⚽', 'Sport 🏀', '⚽ Sport', 'Team 🇩🇪', 'Team 🇫🇷', 'Team', '₺100', '₹100', '100', '20°', '20'],
    ],
  ])('differs for different names: %s', (_, names) => {
    expect(new Set(names.map(slugOf)).size).toBe(names.length);
    expect(names.map(slugOf)).not.toContain('');
  });

  test('has no part that an address would take for a folder', () => {
    for (const name of ['.', '..', '/', '\\', './', '€/..', '../..', '%2F', '–/–', '/…']) {
      expect(slugOf(name)).not.toMatch(/[/\\.]/);
    }
  });

  test.each(['NFC', 'NFD', 'NFKC', 'NFKD'])('is the same for every spelling: %s', (form) => {
    expect(slugOf('İstanbul Kürtçe ﬁlm'.normalize(form))).toBe('istanbul-kürtçe-film');
  });

  test('is its own slug, in the form in which addresses are compared', () => {
    // Letters that change with their case or their marks, and signs that are left out from between.
    const unit = fc.constantFrom(
      ...'İIiJǰΣßẞᾳΩKÅa1-+./%# ',
      ...'\u0301\u0307\u0323\u0345\u0344\u1100\u1161',
      ...'’\u0640\uFE0F\u200C',
    );
    fc.assert(
      fc.property(fc.string({ unit, maxLength: 7 }), (name) => {
        const slug = slugOf(name);
        expect([slugOf(slug), composed(slug)]).toEqual([slug, slug]);
      }),
      { numRuns: 2000, seed: 20261130 },
    );
  });
});

test('escapeHtml shows exactly the text', () => {
  expect(escapeHtml('<a href="x">&amp; \'</a>')).toBe("&lt;a href=&quot;x&quot;&gt;&amp;amp; '&lt;/a&gt;");
});
