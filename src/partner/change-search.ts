import type { Position } from './change-cursor.ts';
import type { ChangePage } from './changes.ts';

/** How a search goes on behind an empty page. */
export interface SearchParts {
  /** Reads the page behind a position. */
  readonly look: (from: Position) => Promise<ChangePage>;
  /** That of the polls: a poll that waits later must not miss what changes after the last page was begun. */
  readonly version: () => number;
  /** Whether the search must end, after at least one more page. */
  readonly isOver: () => boolean;
}

export interface Found {
  readonly page: ChangePage;
  /** The version when the page was begun. */
  readonly version: number;
}

/**
 * Reads on behind an empty page: most changes may be of stories that other partners get. It ends with the first page that has
 * changes, at the present, or when it must. Whatever it finds, its page is further on than the one before.
 */
export async function searchOn(from: Position, { look, version, isOver }: SearchParts): Promise<Found> {
  let begun = version();
  let page = await look(from);
  while (page.changes.length === 0 && page.hasMore && !isOver()) {
    begun = version();
    page = await look(page.position);
  }
  return { page, version: begun };
}

/** Does one piece of work after the other, whoever asks for it: many searches at once would hold up everybody else. */
export function createTurns(): <Result>(work: () => Promise<Result>) => Promise<Result> {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const result = last.then(work);
    last = result.catch(() => {});
    return result;
  };
}
