import type { Publication } from '../config/publication.ts';
import { omitUndefined } from '../lib/omit-undefined.ts';
import { type PartnerWarning, partnerWarnings } from '../partner/warnings.ts';
import type { Store } from '../store/store.ts';
import type { Log } from '../telemetry/log.ts';

/** Partners that one line names, and lines of one look. */
const MOST_NAMED = 20;
const MOST_LINES = 20;

interface WarningParts {
  readonly store: Pick<Store, 'feeds'>;
  readonly now: () => number;
  readonly log: Log;
}

/** Returns a function that logs what the operator should know of the partners of a publication. The same is logged once. */
export function createPartnerWarnings({ store, now, log }: WarningParts): (publication: Publication) => Promise<void> {
  const logged = new Set<string>();

  return async (publication) => {
    if (publication.partners === undefined) return;
    const languages = (await store.feeds(now())).filter(({ key }) => key.startsWith('language/'));
    for (const { kind, feed, message, partners } of together(partnerWarnings(publication, languages.length > 1))) {
      const name = JSON.stringify([feed, message, partners]);
      if (logged.has(name)) continue;
      if (logged.size >= MOST_LINES) return log.warn({}, '“check” lists more of the partners’ feeds.');
      logged.add(name);
      const [first = ''] = partners;
      const whose = partners.length === 1 ? `Partner ${first}` : `${partners.length} partners, such as ${first}`;
      const where = feed === undefined ? '' : `, feed ${feed}`;
      const named = omitUndefined({ kind, feed, partners: partners.slice(0, MOST_NAMED), count: partners.length });
      log.warn(named, `${whose}${where}: ${message}`);
    }
  };
}

/** A warning with the partners that have it. */
interface SharedWarning extends Omit<PartnerWarning, 'partner'> {
  readonly partners: string[];
}

function together(warnings: Iterable<PartnerWarning>): Iterable<SharedWarning> {
  const shared = new Map<string, SharedWarning>();
  for (const { partner, ...warning } of warnings) {
    const name = JSON.stringify([warning.feed, warning.message]);
    const known = shared.get(name);
    if (known === undefined) shared.set(name, { ...warning, partners: [partner] });
    else known.partners.push(partner);
  }
  return shared.values();
}
