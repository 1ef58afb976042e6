/** What a reading service says of itself in its User-Agent. Only a claim: anybody can send it. */
export interface Declaration {
  readonly service: string;
  readonly subscribers: number;
}

/** Characters of a User-Agent that are read. */
const LONGEST_AGENT = 500;
/** Characters of a service's name. */
const LONGEST_NAME = 40;
/** No feed has more subscribers. */
const MOST_SUBSCRIBERS = 1e9;

/** A whole number that is no part of another word or number, so neither `-5` nor `1e9` nor `1.5`. */
const NUMBER = '(?<![\\p{L}\\p{N}_.,+-])(\\d{1,10})(?!\\d|[.,]\\d)';

/** `12 subscribers`, `1 subscriber`, `7 subscriber(s)`, `12 readers`; `subscribers=12`, `Subscriber Count: 12`; `users 12; views 40`. */
const COUNTS: readonly RegExp[] = [
  new RegExp(`${NUMBER}\\s{1,3}(?:subscribers?|readers?)(?![\\p{L}\\p{N}_])`, 'iu'),
  new RegExp(`\\bsubscribers?(?:[ _-]?count)?\\s?[=:]\\s?${NUMBER}(?![\\p{L}_])`, 'iu'),
  new RegExp(`\\busers ${NUMBER}; views \\d`, 'iu'),
];

/** Services fetch pages and icons as well, with the number of the feed's subscribers. */
const NO_FEED = /\b(?:page|favicon|icon|image) fetcher\b/i;

/** Services that name only their host, at least in a part of their requests. */
const NAMES: ReadonlyMap<string, string> = new Map([
  ['inoreader.com', 'Inoreader'],
  ['theoldreader.com', 'The Old Reader'],
]);

/** Reads the subscribers that a User-Agent declares; undefined where it declares none that can be. */
export function declaredSubscribers(agent: string): Declaration | undefined {
  const text = agent.slice(0, LONGEST_AGENT);
  if (NO_FEED.test(text)) return undefined;
  const subscribers = Number(COUNTS.map((count) => count.exec(text)?.[1]).find((number) => number !== undefined));
  if (!(subscribers >= 1 && subscribers <= MOST_SUBSCRIBERS)) return undefined;
  const service = serviceIn(text);
  return service === undefined ? undefined : { service, subscribers };
}

/** `Feedly/1.0 (…)` → `Feedly`; `Mozilla/5.0 (compatible; BazQux/2.4; …)` → `BazQux`. */
function serviceIn(agent: string): string | undefined {
  const own = /^Mozilla\/[\d.]+ \(compatible; ([^)]*)/i.exec(agent)?.[1] ?? agent;
  const [product = ''] = own.split(/[/(;,]| - | v?\d| feed-id/i, 1);
  const words = product
    .toWellFormed()
    .replaceAll(/[\p{C}\p{Z}\s]+/gu, ' ')
    .replace(/ (?:feed )?fetcher$/i, '')
    .trim();
  const name = [...words].slice(0, LONGEST_NAME).join('').trim();
  if (!/\p{L}/u.test(name) || NAMELESS.test(name)) return undefined;
  return NAMES.get(name.toLowerCase()) ?? name;
}

/** A User-Agent of nothing but a number, or of a browser, names no service. */
const NAMELESS = /^(?:\d+ )?(?:mozilla|subscribers?|readers?)\b/i;

/** User-Agents that are remembered: those that fetch in an hour. */
const MAX_KNOWN = 2000;

/** Returns `declaredSubscribers` with a memory: services send the same header with each request. */
export function createDeclarations(): (agent: string) => Declaration | undefined {
  let known = new Map<string, Declaration | undefined>();
  return (agent) => {
    const declared = known.get(agent);
    if (declared !== undefined || known.has(agent)) return declared;
    if (known.size >= MAX_KNOWN) known = new Map();
    const read = declaredSubscribers(agent);
    if (agent.length <= LONGEST_AGENT) known.set(agent, read);
    return read;
  };
}
