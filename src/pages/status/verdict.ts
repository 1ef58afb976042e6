import type { ServiceStatus, StatusProblem } from '../service-status.ts';
import { capital, counted, countedInWords, listed } from './wording.ts';

export interface Verdict {
  /** What matters of the whole status. */
  readonly sentence: string;
  /** The same, for a tab: the part that differs from a good day comes first. */
  readonly title: string;
}

/** Whether readers are served, and what needs the operator. */
export function verdictOf({ outage, needs, outbox = [] }: ServiceStatus): Verdict {
  const served = outage !== undefined ? 'Readers are not served.' : servedSentence(needs.damage !== undefined);
  const things = (count: typeof counted) => [
    ...(needs.damage === undefined ? [] : ['the store']),
    ...(needs.disk === undefined ? [] : ['the disk']),
    ...(needs.database === undefined ? [] : ['the database']),
    ...(outbox.some(({ state }) => state === 'failing') ? ['the outbox'] : []),
    ...(needs.problemCount === 0 ? [] : [count(needs.problemCount, nounFor(needs.problems, needs.problemCount))]),
  ];
  const names = things(countedInWords);
  if (names.length === 0 && outage === undefined)
    return { sentence: `${served} Nothing needs you.`, title: 'All is well' };
  if (names.length === 0) return { sentence: served, title: withoutStop(served) };
  const verb = names.length === 1 && (needs.problemCount === 1 || needs.problemCount === 0) ? 'needs' : 'need';
  const rest = (items: readonly string[]) => `${capital(listed(items))} ${verb} you`;
  const begin = outage === undefined ? '' : `${served} `;
  return { sentence: `${served} ${rest(names)}.`, title: `${begin}${rest(things(counted))}` };
}

function servedSentence(isDamaged: boolean): string {
  return isDamaged ? 'Readers are served what is whole.' : 'Readers are served.';
}

function withoutStop(sentence: string): string {
  return sentence.slice(0, -1);
}

const NOUNS: Readonly<Record<StatusProblem['kind'], string>> = {
  file: 'file',
  other_file: 'file',
  key: 'record',
  stored_record: 'record',
  rendering: 'article',
};

/** What all problems are of: `problem` where they differ, or where not all of them are known. */
export function nounFor(problems: readonly StatusProblem[], count: number): string {
  const nouns = new Set(problems.map(({ kind }) => NOUNS[kind]));
  const [noun] = nouns;
  return nouns.size === 1 && noun !== undefined && problems.length === count ? noun : 'problem';
}
