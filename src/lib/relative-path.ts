import { posix, sep } from 'node:path';
import { z } from 'zod';

/** A path below a folder, with `/` between names, which leads nowhere else. For lists of files that others may have changed. */
export const relativePath = z.string().refine(isBelow, { error: 'must be a path below the folder' });

function isBelow(text: string): boolean {
  const leadsOut = posix.isAbsolute(text) || /^\.{1,2}(?:\/|$)|\0/.test(text) || (sep !== '/' && text.includes(sep));
  return text !== '' && !leadsOut && posix.normalize(text) === text;
}
