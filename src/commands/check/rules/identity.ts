import { rfc3339 } from '../../../lib/instant.ts';
import type { CheckedArticle } from '../checked.ts';
import type { NewsroomRule, Rule, Sighting } from '../rule.ts';
import type { Survey } from '../survey.ts';

/** Also found where a record is read: the identity ledger of the store refuses it. */
export const ID_CHANGED: Rule = {
  id: 'id-changed',
  level: 'error',
  title: 'Ids that changed',
  consumer: 'every reader',
  source: 'https://www.rfc-editor.org/rfc/rfc4287#section-4.2.6',
  read: '2026-11-30',
};

const idChanged: NewsroomRule = {
  ...ID_CHANGED,
  async *survey(survey) {
    for (const { former, article, file } of survey.renamed()) {
      yield {
        article,
        file,
        field: 'id',
        value: article,
        message: `was ${former} in this file: readers get the story again. Write id: ${former}`,
      };
    }
    for await (const { before, now } of survey.movedAddresses()) yield movedAddress(before, now);
  },
};

function movedAddress(before: CheckedArticle, { article, file }: CheckedArticle): Sighting {
  const { id, withdrawn } = before.article;
  const end = withdrawn === undefined ? 'whose file is gone' : `which was withdrawn at ${rfc3339(withdrawn.at)}`;
  return {
    article: article.id,
    ...(file === undefined ? {} : { file }),
    field: 'id',
    value: article.id,
    message: `has the address of the article ${id}, ${end}: readers get the story again. Publish it under the id ${id}`,
  };
}

const addressTwice: NewsroomRule = {
  id: 'address-twice',
  level: 'error',
  title: 'Two articles with one address',
  consumer: 'every reader',
  source: 'docs/records.md#identity',
  read: '2026-11-30',
  survey: sameAddresses,
};

async function* sameAddresses(survey: Survey): AsyncIterable<Sighting> {
  for await (const [first, ...others] of survey.sameAddresses()) {
    for (const { article, file } of others) {
      yield {
        article: article.id,
        ...(file === undefined ? {} : { file }),
        field: 'url',
        value: article.url,
        message: `is the address of the article ${first?.article.id} as well: readers open the same page for both. Give one of them its own address, or withdraw it`,
      };
    }
  }
}

export const IDENTITY: readonly NewsroomRule[] = [idChanged, addressTwice];
