import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { describeAdjustment } from '../../src/article/adjustments.ts';
import { type Article, parseArticle } from '../../src/article/article.ts';
import { describeProblem, type Problem, PublisherError } from '../../src/errors.ts';
import { findSources } from '../../src/ingest/import/source.ts';
import { sourceField } from '../../src/ingest/import/source-record.ts';
import { rfc3339 } from '../../src/lib/instant.ts';
import { jsonString } from '../../src/lib/json.ts';
import { newsroom } from '../helpers.ts';

/** What an import of a file must give: `import.json` beside the file. */
interface Case {
  readonly description: string;
  /** Fields of each story that is published, in the order of the file. Other fields are not compared. */
  readonly stories: readonly Readonly<Record<string, unknown>>[];
  /** The reasons for the stories that are not: `line: element: rule`. */
  readonly refused?: readonly string[];
  /** What the operator reads besides, without the name of the file. */
  readonly notes?: readonly string[];
  readonly skipped?: readonly string[];
  /** What the parser of records changes. Not compared where it is missing. */
  readonly adjustments?: readonly string[];
}

const folders = globSync('*/import.json', { cwd: import.meta.dirname })
  .map(dirname)
  .sort();

function story({ publishedAt, updatedAt, authors, sections, tags, ...rest }: Article) {
  const names = (terms: readonly { readonly name: string }[]) => terms.map(({ name }) => name);
  return {
    ...rest,
    publishedAt: rfc3339(publishedAt),
    updatedAt: updatedAt && rfc3339(updatedAt),
    authors: names(authors),
    sections: names(sections),
    tags: names(tags),
  };
}

async function imported(file: string) {
  const [source] = await findSources(file);
  const found = { stories: [] as unknown[], refused: [] as string[], notes: [] as string[], skipped: [] as string[] };
  const adjustments: string[] = [];
  const note = (text: string) => void found.notes.push(text.slice(file.length + 1).trim());
  const items = source?.items(
    () => {},
    (reason) => found.skipped.push(reason),
    note,
  );
  for await (const { content, elements, line } of items ?? []) {
    const refuse = (problems: readonly Problem[]) =>
      found.refused.push(
        ...problems.map(({ value: _, ...problem }) =>
          describeProblem({
            ...(line === undefined ? {} : { line }),
            ...problem,
            field: sourceField(problem.field, elements),
          }),
        ),
      );
    try {
      if ('problems' in content) refuse(content.problems);
      else {
        const record = { publishedAt: content.publishedAt, ...JSON.parse(jsonString(content.json)) };
        found.stories.push(story(parseArticle(record, newsroom, (made) => adjustments.push(describeAdjustment(made)))));
      }
    } catch (error) {
      if (!(error instanceof PublisherError)) throw error;
      refuse(error.problems);
    }
  }
  return { found, adjustments };
}

test('there are cases', () => {
  expect(folders.length).toBeGreaterThan(30);
});

test.each(folders)('%s', async (folder) => {
  const path = join(import.meta.dirname, folder);
  const [input = ''] = globSync('input.*', { cwd: path });
  const {
    stories,
    refused = [],
    notes = [],
    skipped = [],
    adjustments,
  }: Case = JSON.parse(readFileSync(join(path, 'import.json'), 'utf8'));
  const { found, adjustments: made } = await imported(join(path, input));
  expect(found).toEqual({
    stories: stories.map((expected) => expect.objectContaining(expected)),
    refused,
    notes,
    skipped,
  });
  if (adjustments !== undefined) expect(made).toEqual(adjustments);
});
