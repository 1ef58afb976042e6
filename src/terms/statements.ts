import { contentUsageHeader, contentUsageLine } from './aipref.ts';
import { contentSignalLine } from './content-signals.ts';
import { RSL_PATH, RSL_TYPE, rslDocument, rslLink, rslRobotsLine } from './rsl.ts';
import { type Addressed, isOneHost, ownPaths, type Stated } from './scope.ts';
import { TDM_FILE_PATH, TDM_POLICY_PATH, tdmFile, tdmHeaders, tdmPolicy } from './tdmrep.ts';

/** A file that states terms. */
export interface TermsFile {
  /** Below the service's address, or below the root of a host. */
  readonly path: string;
  readonly type: string;
  readonly text: string;
}

/** The lines of a robots.txt that state terms. */
export interface RobotsTerms {
  /** Outside of any group. */
  readonly global: readonly string[];
  /** In the group of `User-agent: *`, and in every other group: a crawler reads only its own. */
  readonly group: readonly string[];
}

/** What has to stand on a host, so that it counts for the addresses of that host. */
export interface HostTerms {
  /** The root of the host, ending in a slash. */
  readonly root: string;
  readonly robots: RobotsTerms;
  /** Files at the root of the host. The service has those of its own host, if its address is that root. */
  readonly files: readonly TermsFile[];
}

const JSON_TYPE = 'application/json';

/** The headers of every feed and page, besides Link. */
export function termsHeaders(stated: Addressed): Readonly<Record<string, string>> {
  return { ...tdmHeaders(stated), ...contentUsageHeader(stated) };
}

/** The part of Link that states terms. */
export const termsLink = rslLink;

/**
 * What the headers of an answer say about the terms, as one text. It is a part of every tag: otherwise a client whose copy is
 * current would never learn of new terms, because a 304 has no such headers.
 */
export function termsInHeaders(stated: Addressed): string | undefined {
  const all = [...Object.entries(termsHeaders(stated)).flat(), termsLink(stated) ?? []].flat();
  return all.length === 0 ? undefined : all.join('\n');
}

/** The files that the service itself serves, below its address. */
export function termsFiles(stated: Stated): TermsFile[] {
  return existing([
    { path: RSL_PATH, type: RSL_TYPE, text: rslDocument(stated) },
    { path: TDM_FILE_PATH, type: JSON_TYPE, text: tdmFile(stated) },
    { path: TDM_POLICY_PATH, type: JSON_TYPE, text: tdmPolicy(stated) },
  ]);
}

/** The lines of the robots.txt of a host. They count for the addresses of that host alone. */
export function robotsTerms(stated: Addressed): RobotsTerms {
  return {
    global: [rslRobotsLine(stated)].filter((line) => line !== undefined),
    group: [contentSignalLine(stated), contentUsageLine(stated)].filter((line) => line !== undefined),
  };
}

/** What has to stand on the host of the service and on that of the newspaper's own site; once, if they are the same. */
export function termsByHost(stated: Stated): HostTerms[] {
  const own = hostTerms(stated, stated.feedsUrl, [{ path: TDM_FILE_PATH, type: JSON_TYPE, text: tdmFile(stated) }]);
  if (isOneHost(stated)) return [own];
  const isAboutAll = ownPaths(stated) === '/';
  const rsl = { path: RSL_PATH, type: RSL_TYPE, text: isAboutAll ? undefined : rslDocument(stated, '/') };
  const site = hostTerms(stated, stated.url, [
    rsl,
    { path: TDM_FILE_PATH, type: JSON_TYPE, text: tdmFile(stated, '/') },
  ]);
  const license = `License: ${site.root}${RSL_PATH}`;
  const hasOwnRsl = rsl.text !== undefined;
  return [own, hasOwnRsl ? { ...site, robots: { ...site.robots, global: [license] } } : site];
}

function hostTerms(stated: Stated, address: string, files: readonly Draft[]): HostTerms {
  return { root: new URL('/', address).href, robots: robotsTerms(stated), files: existing(files) };
}

type Draft = Omit<TermsFile, 'text'> & { readonly text: string | undefined };

function existing(drafts: readonly Draft[]): TermsFile[] {
  return drafts.flatMap(({ text, ...file }) => (text === undefined ? [] : [{ ...file, text }]));
}
