import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { GONE, type Ledger } from './ledger.ts';
import { whole } from './random.ts';

/** Stories that may have a file. Every second one names its id; the others have their path as their id. */
const STORIES = 16;
const FOLDERS = ['here', 'there'] as const;

interface Parts {
  /** The data folder. */
  readonly folder: string;
  readonly random: () => number;
  readonly ledger: Ledger;
  readonly next: () => number;
}

interface File {
  readonly place: (typeof FOLDERS)[number];
  readonly stamp: string;
}

/** Returns a function that writes, renames or removes a file in `articles/`, and returns the id of the article that it names. */
export function createFileChanges(
  { folder, random, ledger, next }: Parts,
  recordOf: (id: string, number: number) => object,
): () => Promise<string> {
  const files = new Map<number, File>();
  const namesId = (story: number) => story % 2 === 0;
  const idOf = (story: number, place: string) => (namesId(story) ? `f${story}` : `${place}/f${story}`);
  const pathOf = (story: number, place: string) => join(folder, 'articles', place, `f${story}.json`);

  /** What becomes of an article is decided once its file is as it should be. */
  async function change(changes: ReadonlyMap<string, string>, work: () => Promise<void>): Promise<void> {
    for (const [id, stamp] of changes) ledger.sent(id, stamp);
    await work();
    for (const [id, stamp] of changes) ledger.mustBe(id, stamp);
  }

  async function write(story: number, place: File['place']): Promise<string> {
    const number = next();
    const [id, path] = [idOf(story, place), pathOf(story, place)];
    const text = JSON.stringify({ ...recordOf(id, number), ...(namesId(story) ? {} : { id: undefined }) });
    const isAtomic = random() < 0.5;
    await change(new Map([[id, `p${number}`]]), async () => {
      const written = isAtomic ? join(path, `../.f${story}.new`) : path;
      await mkdir(join(path, '..'), { recursive: true });
      await writeFile(written, text);
      if (isAtomic) await rename(written, path);
    });
    files.set(story, { place, stamp: `p${number}` });
    return id;
  }

  async function move(story: number, { place, stamp }: File): Promise<string> {
    const other = place === 'here' ? 'there' : 'here';
    const id = idOf(story, other);
    await change(new Map([[idOf(story, place), GONE] as const, [id, stamp] as const]), async () => {
      await mkdir(join(pathOf(story, other), '..'), { recursive: true });
      await rename(pathOf(story, place), pathOf(story, other));
    });
    files.set(story, { place: other, stamp });
    return id;
  }

  async function remove(story: number, { place }: File): Promise<string> {
    await change(new Map([[idOf(story, place), GONE]]), () => rm(pathOf(story, place)));
    files.delete(story);
    return idOf(story, place);
  }

  return () => {
    const story = whole(random, STORIES);
    const file = files.get(story);
    if (file === undefined) return write(story, FOLDERS[whole(random, FOLDERS.length)] ?? 'here');
    const choice = random();
    if (choice < 0.25) return move(story, file);
    return choice < 0.5 ? remove(story, file) : write(story, file.place);
  };
}
