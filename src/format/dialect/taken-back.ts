import type { Article } from '../../article/article.ts';

/** The title of a story whose texts were erased, in formats that need one. MSN asks for more than 20 characters. */
const NEUTRAL_TITLE = 'This story was withdrawn';

/** The title of a withdrawn story in a partner's feed. */
export function titleOrNeutral({ title }: Pick<Article, 'title'>): string {
  return title === '' ? NEUTRAL_TITLE : title;
}
