import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ADJUSTMENT_KINDS, type Adjustment } from '../../src/article/adjustments.ts';
import { command } from '../commands/terminal.ts';
import { ask, record } from '../helpers.ts';
import { startApi } from '../http/api.ts';

/** What only an import changes. */
const OF_IMPORTS = ['source_repaired', 'element_not_imported'];
/** A body with fifty sorts of changes has it alone, and a Markdown body has that. */
const OF_OTHER_BODIES = ['further_changes_made', 'definition_removed'];

/** One of each change that a body can need. */
const BODY = [
  '<!DOCTYPE html><p onclick="b()">A story.</p>',
  '<iframe src="https://charts.example/1"></iframe><iframe src="javascript:x()"></iframe>',
  '<iframe src="https://hits.example/" width="1" height="1"></iframe><iframe src="https://youtu.be/a" sandbox>Film</iframe>',
  '<img alt="b"><img data-src="/late.png" alt=""><img src="/twice.png" alt=""><noscript><img src="/twice.png" alt=""></noscript>',
  '<p hidden>An advertisement</p><img src="/b.png" hidden><script>b()</script><style>p{}</style><input name="b">',
  '<svg><path d="M0"/></svg><math><mi>b</mi></math><center>c</center><font>d</font><meta charset="utf-8">',
  '<a href="javascript:b()">a</a><img src="/a.png" alt="" srcset="data:,b 1x, c.png 2x"><p>e\u0001f</p><!-- g -->',
  '<b title="unfinished',
].join('');

const STORY = record({
  title: 1984,
  body: BODY,
  summary: 'Half a \ud800 character.',
  authors: [{ name: ' ' }, { name: 'Long name '.repeat(30) }],
  tags: ['⚽', ' ', 'Rivers', 'rivers', true, ...Array.from({ length: 99 }, (_, number) => `Tag ${number}`)],
  image: { url: '/media/a.txt', type: 'image/png' },
  updatedAt: '2026-11-19T10:00:00Z',
});

function kindsOf(adjustments: readonly Adjustment[]): string[] {
  return [...new Set(adjustments.map(({ kind }) => kind))].sort();
}

test('each change is reported once: in the answers, the log, the metrics and the report of an import', async () => {
  const media = { 'media/a.txt': 'not a picture' };
  const { id: _, ...atAddress } = STORY;
  const api = await startApi(
    { ...media, 'articles/file.json': JSON.stringify({ ...STORY, id: 'file', url: '/file' }) },
    { metrics: { host: '127.0.0.1', port: 0, isRequired: true } },
  );
  const dry = JSON.parse((await api.put('/put?dry-run', { body: { ...atAddress, url: '/put' } })).text);
  const put = JSON.parse((await api.put('/put', { body: { ...atAddress, url: '/put' } })).text);
  const bulk = await api.post('', { body: JSON.stringify({ ...STORY, id: 'bulk', url: '/bulk' }) });
  const [line, last] = bulk.text
    .trim()
    .split('\n')
    .map((text) => JSON.parse(text));
  const expected = ADJUSTMENT_KINDS.filter((kind) => ![...OF_IMPORTS, ...OF_OTHER_BODIES].includes(kind)).sort();

  expect(kindsOf(put.adjustments)).toEqual(expected);
  const changes = put.adjustments.map(({ field, change, value }: Adjustment) => `${field} ${change} ${value}`);
  expect(new Set(changes).size).toBe(changes.length);
  expect(dry.adjustments).toEqual(put.adjustments);
  expect(line.adjustments).toEqual(put.adjustments);
  expect(last).toMatchObject({ totals: { created: 1, adjusted: 1 } });

  // One line for each story that was published, with all of its adjustments.
  const logged = api.told.filter((told) => 'adjustments' in told);
  expect(logged.map(({ article }) => article).sort()).toEqual(['bulk', 'file', 'put']);
  for (const { adjustments } of logged) expect(adjustments).toEqual(put.adjustments);

  const metrics = (await ask(api.metricsPort ?? 0, '/metrics')).text;
  for (const kind of expected) expect(metrics).toContain(`feed_publisher_adjusted_stories_total{kind="${kind}"} 3\n`);

  const input = join(api.dataFolder, 'in.ndjson');
  await writeFile(input, `${JSON.stringify({ ...STORY, id: 'import', url: '/import' })}\n`);
  const report = join(api.dataFolder, 'report.json');
  const { code, out } = await command(['import', '--data', api.dataFolder, '--report', report, input]);
  const { adjustments } = JSON.parse(await readFile(report, 'utf8'));
  expect(code).toBe(0);
  expect(Object.keys(adjustments).sort()).toEqual(expected);
  for (const kind of expected) {
    const made = put.adjustments.filter((one: Adjustment) => one.kind === kind);
    expect(adjustments[kind], kind).toMatchObject({
      stories: 1,
      reason: made[0].reason,
      count: made.reduce((sum: number, { count }: Adjustment) => sum + count, 0),
      examples: made.slice(0, 10).map(({ field, change }: Adjustment) => ({ file: input, line: 1, field, change })),
    });
    expect(out).toContain(`1 ${kind}`);
  }
});
