import { inspect } from 'node:util';
import { command, type Finished } from '../../commands/terminal.ts';
import { serving } from '../../helpers.ts';
import { FORMATS, keyFor } from '../../http/api.ts';
import { type Ask, clientOf } from '../crash/program.ts';
import { changeArticle, compareAnswers, NEW } from './examine.ts';
import { contentOf, entriesIn, type History } from './history.ts';

interface Repaired {
  /** Whether the command found damage, or nothing that it can read. */
  readonly isDamaged: boolean;
  /** Whether there is a store again. A file of which nothing can be read has none. */
  readonly isRepaired: boolean;
  /** In words. */
  readonly wrong: readonly string[];
}

/** What a store had before its repair. */
interface Before {
  readonly history: History;
  /** The ids of articles that no reader may see. */
  readonly hidden: readonly string[];
  /** Whether the service acknowledged the article `NEW`. */
  readonly isChanged: boolean;
}

/**
 * Repairs a store whose service has ended, starts a service on it, and compares what that answers with what was answered before
 * the damage.
 */
export async function repairStore(folder: string, { history, hidden, isChanged }: Before): Promise<Repaired> {
  const repair = await runClearly(['repair', '--data', folder, '--yes']);
  const isDamaged = !repair.out.startsWith('no damage');
  const isRepaired = repair.out.includes('kept:');
  if (!isRepaired && isDamaged) return { isDamaged, isRepaired, wrong: repair.wrong };
  const verify = await runClearly(['verify', '--data', folder]);
  const wrong = [...repair.wrong, ...verify.wrong];
  if (verify.code !== 0) wrong.push(`verify ends with ${verify.code}: ${verify.out}`);
  const service = await serving(folder, {});
  const client = clientOf(service.port, (await keyFor(folder)).key); // the old key may be lost
  // Where nothing is lost, feeds are what they were, byte for byte, but for a change since.
  const hasChange = (await client.ask(`/api/articles/${NEW}`)).status === 200;
  const mayDiffer = repair.code !== 0 || hasChange;
  if (isChanged && !hasChange && repair.code === 0) wrong.push('nothing is lost, but the acknowledged change is gone');
  wrong.push(
    ...(mayDiffer ? [] : await wrongWithBytes(client.ask, history)),
    ...(await wrongWithFeeds(client.ask, history, hidden)),
    ...(await wrongWithArticles(client.ask, history, hidden)),
    ...(await changeArticle(client.ask, `${NEW}er`, [])).wrong,
  );
  const ready = await client.ask('/readyz');
  if (ready.status !== 200) wrong.push(`/readyz: ${ready.status} ${ready.text.slice(0, 200)}`);
  client.close();
  await service.close();
  return { isDamaged, isRepaired, wrong: wrong.map((line) => `after repair, ${line}`) };
}

/** A command prints what it found, and never a stack. */
async function runClearly(args: readonly string[]): Promise<Finished & { readonly wrong: readonly string[] }> {
  const failed = (error: unknown): Finished => ({ code: -1, out: '', err: inspect(error), drawn: '' });
  const finished = await command(args).catch(failed);
  const text = `${finished.out}${finished.err}`;
  const isClear = [0, 1].includes(finished.code) && text !== '' && !/^ +at /m.test(text);
  return { ...finished, wrong: isClear ? [] : [`${args[0]} ends with ${finished.code}: ${text.slice(0, 1000)}`] };
}

async function wrongWithBytes(ask: Ask, history: History): Promise<string[]> {
  const addresses = [...history.given.keys()].filter((address) => address.startsWith('/feeds/'));
  return (await compareAnswers(ask, addresses, history)).wrong.map((line) => `nothing is lost, but ${line}`);
}

async function wrongWithFeeds(ask: Ask, { given, entries }: History, hidden: readonly string[]): Promise<string[]> {
  const wrong: string[] = [];
  const isHidden = new Set(hidden.map(publicIdOf));
  for (const address of given.keys()) {
    if (!address.startsWith('/feeds/') && !address.startsWith('/media/')) continue;
    const { status, text } = await ask(address);
    const isPossible = status === 200 || (status === 404 && !address.startsWith('/feeds/latest.'));
    if (!isPossible) wrong.push(`${address}: ${status} ${text.slice(0, 200)}`);
    const format = FORMATS.find((name) => address === `/feeds/latest.${name}`);
    if (format === undefined || status !== 200) continue;
    for (const entry of entriesIn(format, text)) {
      const [publicId = ''] = entry.split(' ');
      if (publicId === publicIdOf(NEW)) continue;
      if (!entries[format].has(entry)) wrong.push(`latest.${format}: has ${entry.slice(0, 200)}`);
      if (isHidden.has(publicId)) wrong.push(`latest.${format}: has ${publicId}, which nobody may see`);
    }
  }
  return wrong;
}

async function wrongWithArticles(ask: Ask, { contents }: History, hidden: readonly string[]): Promise<string[]> {
  const wrong: string[] = [];
  for (const [id, known] of contents) {
    const { status, text } = await ask(`/api/articles/${id}`);
    if (status === 404) continue;
    const article = status === 200 ? JSON.parse(text) : {};
    const isKnown = article.erased === true || known.has(contentOf(article.record));
    if (!isKnown || (hidden.includes(id) && article.status === 'visible')) {
      wrong.push(`${id}: ${status} ${text.slice(0, 300)}`);
    }
  }
  return wrong;
}

function publicIdOf(id: string): string {
  return `tag:news.example,2024:${id}`;
}
