import { stat } from 'node:fs/promises';
import { join, normalize } from 'node:path';
import { otherForm } from '../lib/name-forms.ts';
import { composed } from '../lib/text.ts';
import type { Store, StoredRecord } from '../store/store.ts';

/** Files of media/ that one story is searched for. */
const MAX_NAMES = 1000;

/** The files in the media folder that a story names, by their paths there. */
export async function mediaFilesOf({ article }: Pick<StoredRecord, 'article'>, folder: string): Promise<string[]> {
  const text = JSON.stringify(article).replaceAll('&amp;', '&');
  const names = new Set(
    [...text.matchAll(/\/media\/([^\s"'<>()\\?#]+)/g)].map(([, name = '']) => composed(decoded(name))),
  );
  const files: string[] = [];
  for (const name of [...names].slice(0, MAX_NAMES)) {
    const path = normalize(name);
    if (!path.startsWith('..') && !path.includes('\0') && (await isFile(folder, path))) files.push(path);
  }
  return files;
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path; // a percent sign that encodes nothing
  }
}

async function isFile(folder: string, path: string): Promise<boolean> {
  const status = await stat(join(folder, path)).catch(() => undefined);
  return status?.isFile() ?? (await otherForm(folder, path)) !== undefined;
}

/** Those of the files that no article in the store names. */
export async function unusedMedia(store: Pick<Store, 'textsInUse'>, files: readonly string[]): Promise<string[]> {
  const spellings = new Map(files.map((file) => [file, spellingsOf(file)]));
  const inUse = await store.textsInUse([...spellings.values()].flat());
  return files.filter((file) => !spellings.get(file)?.some((spelling) => inUse.has(spelling)));
}

/** The forms in which addresses spell a path: as it is, and encoded, with accents as one character or as two. */
function spellingsOf(path: string): string[] {
  const forms = [path.normalize('NFC'), path.normalize('NFD')];
  const encoded = forms.flatMap((form) => [encodeURI(form), form.split('/').map(encodeURIComponent).join('/')]);
  return [...new Set([...forms, ...encoded])].flatMap((form) => [
    `/media/${form}`,
    `/media/${form.replaceAll('&', '&amp;')}`,
  ]);
}
