/** Most characters that a story shows from elsewhere in the export: an export may name one text a million times. */
const MAX_INSERTED = 4 * 1024 * 1024;
const TOO_MUCH =
  `shows more than ${MAX_INSERTED} characters of shared blocks, footnotes, galleries and playlists: the rest of them is ` +
  'left out';

/** Returns a text from elsewhere; an empty one from the text on that is too much for the story. */
export type Insert = (text: () => string) => string;

/**
 * Counts what one story shows from elsewhere in the export.
 *
 * @param onMissing receives that the rest is left out, once
 */
export function createInsert(onMissing: (rule: string) => void): Insert {
  let left = MAX_INSERTED;
  return (text) => {
    if (left < 0) return '';
    const inserted = text();
    left -= inserted.length;
    if (left >= 0) return inserted;
    onMissing(TOO_MUCH);
    return '';
  };
}
