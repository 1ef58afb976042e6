import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import type { Newsroom } from '../../src/article/newsroom.ts';
import { openParser } from '../../src/publish/parser.ts';
import { type ParsedRecord, type UnparsedRecord, unparsedRecord } from '../../src/publish/unparsed-record.ts';
import { newsroom, record } from '../helpers.ts';

let yields = 0;
let parser: ReturnType<typeof openParser>;

beforeAll(() => {
  parser = openParser(newsroom, async () => {
    yields += 1;
  });
});
afterAll(() => parser.close());

const withBody = (body: string, bodyFormat = 'html') => unparsedRecord(record({ body, bodyFormat }));
const prose = 'The river rose again. ';

/** The bodies of the results, and how many were parsed in this thread. */
async function parse(records: readonly UnparsedRecord[]) {
  const before = yields;
  const results = await parser.parse(records);
  // A thread returns its texts as bytes.
  const here = results.filter((result) => typeof (result as ParsedRecord).article.text === 'string').length;
  expect(yields - before).toBeLessThanOrEqual(records.length);
  return { count: results.length, here };
}

test.each<[what: string, body: string, format: string, isHere: boolean]>([
  ['an ordinary story', `<p>${prose.repeat(200)}</p>`, 'html', true],
  ['one of 15 kB', `<p>${prose.repeat(680)}</p>`, 'html', true],
  ['one of 17 kB', `<p>${prose.repeat(770)}</p>`, 'html', false],
  ['text', prose.repeat(600), 'text', true],
  ['a story in Markdown with links', `# A\n\n${`${prose} [a](b)\n`.repeat(100)}`, 'markdown', true],
  ['Markdown that may be links of links', '['.repeat(4000), 'markdown', false],
  ['a large table in Markdown', 'a|b\n-|-\n'.repeat(1000), 'markdown', false],
  ['the same brackets in HTML', '['.repeat(4000), 'html', true],
])('%s is parsed in the thread that has less to do', async (_, body, format, isHere) => {
  expect(await parse([withBody(body, format)])).toEqual({ count: 1, here: isHere ? 1 : 0 });
});

test('the results of a mixture are in its order, and the event loop may go round before each record that is parsed here', async () => {
  const before = yields;
  const records = Array.from({ length: 30 }, (_, index) =>
    unparsedRecord(
      record({ id: `story-${index}`, body: prose.repeat(index % 3 === 1 ? 1000 : 1), title: index === 7 ? '' : 'A' }),
    ),
  );
  const results = await parser.parse(records);

  expect(
    results.map((result) =>
      'article' in result && typeof result.article === 'object' ? result.article.id : 'refused',
    ),
  ).toEqual(records.map((_, index) => (index === 7 ? 'refused' : `story-${index}`)));
  expect(yields - before).toBe(20);
});

test('a defect in a thread is reported when the other records are parsed, and not before', async () => {
  const failed = Promise.withResolvers<void>();
  const broken = openParser({ ...newsroom, url: undefined } as unknown as Newsroom, () => failed.promise);
  onTestFinished(broken.close);
  const results = broken.parse([withBody(prose.repeat(1000)), unparsedRecord({ title: 1 })]);
  await expect(broken.parse([withBody(prose.repeat(1000))])).rejects.toThrow(/URL/); // the first one has failed before
  failed.resolve();

  await expect(results).rejects.toThrow(/URL/);
});
