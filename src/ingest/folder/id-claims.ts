import { type ArticleFile, type RefusedFile, refuse } from './article-file.ts';

/** A file that names the id of another file's article. */
export interface Claim {
  readonly file: ArticleFile;
  /** The path of the other file. */
  readonly owner: string;
}

export interface ClaimedFiles {
  /** Files to publish. */
  readonly owners: readonly ArticleFile[];
  readonly claims: readonly Claim[];
  /** Files that cannot be read as a record. */
  readonly refused: readonly RefusedFile[];
}

/**
 * Divides files by the right to their ids. An id belongs to the file that published it, else to the first file here.
 *
 * @param ownerOf the path of the file that published an id
 */
export function divideByClaim(
  files: readonly (ArticleFile | RefusedFile)[],
  ownerOf: (id: string) => string | undefined,
): ClaimedFiles {
  const refused: RefusedFile[] = [];
  const owners = new Map<string, ArticleFile>();
  const claims: Claim[] = [];
  for (const file of files) {
    if ('problems' in file) {
      refused.push(file);
      continue;
    }
    const owner = owners.get(file.id)?.path ?? ownerOf(file.id);
    if (owner !== undefined && owner !== file.path) claims.push({ file, owner });
    else owners.set(file.id === '' ? file.path : file.id, file); // parsing refuses a record without an id
  }
  return { owners: [...owners.values()], claims, refused };
}

export function refuseClaim({ file, owner }: Claim): RefusedFile {
  const rule = `is already the id of articles/${owner}: each file needs an id of its own`;
  return refuse(file, { code: 'identity_conflict', problems: [{ field: 'id', value: file.id, rule }] });
}
