import type { Publication } from '../../config/publication.ts';
import type { Rule, Sighting } from './rule.ts';

/** Takes findings, and passes each on once where a rule for all readers and a partner's dialect say the same. */
export interface SaidOnce {
  /** Adds what a rule for all readers has found in the article `ref`. */
  readonly add: (rule: Rule, sighting: Sighting, ref: number) => void;
  /** Adds what a rule of a dialect has found for a partner: it says more, such as whether the partner gets the story. */
  readonly addOfPartner: (rule: Rule, sighting: Sighting) => void;
  /** Passes on what no partner's rule has said. */
  readonly end: () => void;
}

/** Findings that wait at once, unless partners get more stories. A newsroom may have a million of them. */
const MOST_WAITING = 10_000;

interface SaidOnceParts extends Pick<Publication, 'partners'> {
  /** The stories that feeds of partners may have, as far as articles were read. */
  readonly inPartnerFeeds: () => ReadonlySet<number>;
  /** Takes the findings that remain. */
  readonly pass: (rule: Rule, sighting: Sighting) => void;
}

interface WaitingFinding {
  readonly rule: Rule;
  readonly sighting: Sighting;
  readonly ref: number;
}

export function createSaidOnce({ partners = [], inPartnerFeeds, pass }: SaidOnceParts): SaidOnce {
  const dialects = new Set<string>(partners.map(({ dialect }) => dialect));
  let waiting: WaitingFinding[] = [];
  let most = MOST_WAITING;
  const ofPartners = new Map<string, Sighting[]>();

  function isSaid({ sameAs = [] }: Rule, sighting: Sighting): boolean {
    return sameAs.some((id) => ofPartners.get(nameOf(id, sighting))?.some((other) => isAbout(other, sighting)));
  }

  /** Passes on the findings about stories that newer ones have displaced: no partner's rule looks at these. */
  function passDisplaced(): void {
    const stories = inPartnerFeeds();
    const { true: shown = [], false: displaced = [] } = Object.groupBy(waiting, ({ ref }) => `${stories.has(ref)}`);
    for (const { rule, sighting } of displaced) pass(rule, sighting);
    waiting = shown;
    most = Math.max(MOST_WAITING, 2 * shown.length);
  }

  return {
    add(rule, sighting, ref) {
      const mayBeSaid = rule.sameAs?.some((id) => dialects.has(dialectIn(id))) === true;
      if (!mayBeSaid) return pass(rule, sighting);
      waiting.push({ rule, sighting, ref });
      if (waiting.length >= most) passDisplaced();
    },
    addOfPartner(rule, sighting) {
      pass(rule, sighting);
      if (sighting.article === undefined) return; // it is about a feed
      const name = nameOf(rule.id, sighting);
      const known = ofPartners.get(name);
      if (known === undefined) ofPartners.set(name, [sighting]);
      else known.push(sighting);
    },
    end() {
      for (const { rule, sighting } of waiting) if (!isSaid(rule, sighting)) pass(rule, sighting);
    },
  };
}

function nameOf(rule: string, { article = '' }: Sighting): string {
  return `${rule} ${article}`;
}

/** `msn/title-too-short` → `msn` */
function dialectIn(id: string): string {
  return id.slice(0, id.indexOf('/'));
}

/** Whether a finding of a dialect is about the same field, or about the same picture of several. */
function isAbout(ofPartner: Sighting, { field, value = '' }: Sighting): boolean {
  if (field === ofPartner.field || field.startsWith(`${ofPartner.field}.`)) return true;
  return value !== '' && ofPartner.message.includes(value);
}
