import { excerpt } from '../../../errors.ts';
import type { ArticleRule, NewsroomRule } from '../rule.ts';

const OWN = {
  level: 'warning',
  consumer: 'every reader',
  source: 'docs/records.md#titles-names-and-addresses',
  read: '2026-11-30',
} as const;

const leadsNowhere: NewsroomRule = {
  ...OWN,
  id: 'link-nowhere',
  title: 'Relative links that lead nowhere',
  async *survey(survey) {
    for await (const { checked, link } of survey.lostLinks()) {
      yield {
        article: checked.article.id,
        ...(checked.file === undefined ? {} : { file: checked.file }),
        field: 'body',
        value: excerpt(link),
        message: 'is no address of an article. Correct it; if the site has such a page, write the whole address',
      };
    }
  },
};

const withoutTarget: ArticleRule = {
  ...OWN,
  id: 'link-removed',
  title: 'Links and pictures without a valid address',
  *look({ adjustments }) {
    for (const { kind, field, change, value, reason } of adjustments) {
      if (kind !== 'address_removed' && kind !== 'picture_removed') continue;
      if (value === undefined) yield { field, message: `${change}: it is empty. Write the address` };
      else yield { field, value, message: `${change}: ${reason}` };
    }
  },
};

export const LINKS: readonly ArticleRule[] = [withoutTarget];
export const LOST_LINKS: readonly NewsroomRule[] = [leadsNowhere];
