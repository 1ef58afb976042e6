/** Something in a store that is damaged. */
export interface Damage {
  readonly kind: 'file' | 'table' | 'feed' | 'article';
  /** Of the table; the key of the feed, or the id of the article. Empty for the file. */
  readonly name: string;
  readonly problem: string;
}
