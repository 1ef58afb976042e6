import { shorten } from '../lib/text.ts';
import { type Html, html, type Part } from './html.ts';
import type {
  PartnerActivity,
  PartnerAnswers,
  PartnerDelivery,
  PartnerGlance,
  PartnerKey,
  PartnerList,
  PartnerReceipt,
  PartnersStatus,
  RecordGap,
  SkippedEntry,
} from './partner-status.ts';
import type { Site } from './site.ts';
import { fact, operatorPage } from './status/frame.ts';
import { cell, code, mark, numberCell, row, section, table } from './status/markup.ts';
import { type Clock, clockIn, counted, countedInWords, number, size, span } from './status/wording.ts';

/** Characters of a title or a reason in a table. */
const LONGEST = 120;
/** Networks of a key that are named. */
const NETWORKS = 8;

/**
 * What was delivered to partners: to all of them, or to one. Dates are those of the publication's time zone.
 *
 * @param site with `hosts` that load nothing from elsewhere
 */
export function partnersPage(status: PartnersStatus, site: Site): string {
  const clock = clockIn(site.publication.timeZone);
  return status.kind === 'list' ? listPage(status, clock, site) : partnerPage(status, clock, site);
}

function listPage(status: PartnerList, clock: Clock, site: Site): string {
  const { partners, count, next, gaps } = status;
  const late = partners.filter(({ isLate }) => isLate).length;
  const spread = partners.filter(({ spreadKeys }) => spreadKeys > 0).length;
  const title = titleOfList(late, spread);
  const main = html`<header class="about">
<h1 class="verdict">${title}</h1>
${asOf(status.at, clock)}
</header>
<div class="sheet">
${section({
  id: 'partners',
  title: 'Partners',
  note: count === 0 ? undefined : `${number(count)}. Answers of the last 24 hours.`,
  isWide: true,
  body:
    count === 0
      ? html`<p>There is no partner yet. A file in ${code('partners')} of the data folder makes one.</p>`
      : table(
          'partners',
          LIST_COLUMNS,
          partners.map((partner) => listRow(partner, clock)),
        ),
})}${next !== undefined && html`<p class="full"><a href="partners?after=${encodeURIComponent(next)}">More partners</a></p>\n`}${gapsSection(gaps, clock)}</div>`;
  return operatorPage({ title: plainTitle(title), current: 'Partners', root: '', main }, site);
}

/** The worst that the list shows, in a sentence. */
function titleOfList(late: number, spread: number): string {
  const both = [
    ...(spread === 0 ? [] : [`a key of ${countedInWords(spread, 'partner')} may have leaked`]),
    ...(late === 0
      ? []
      : [`${countedInWords(late, 'partner')} ${late === 1 ? 'has' : 'have'} fetched nothing for longer than usual`]),
  ];
  if (both.length === 0) return 'Partners fetch as usual.';
  const sentence = `${both.join(', and ')}.`;
  return sentence.charAt(0).toUpperCase() + sentence.slice(1);
}

function plainTitle(sentence: string): string {
  return sentence.replace(/\.$/, '');
}

const LIST_COLUMNS = [
  { title: 'Partner' },
  { title: 'Dialect' },
  { title: 'Last seen' },
  { title: 'Signs' },
  { title: 'Documents', isNumber: true },
  { title: 'Unchanged', isNumber: true },
  { title: 'Other answers', isNumber: true },
];

function listRow(partner: PartnerGlance, clock: Clock): Html {
  const { id, name, dialect, lastSeen, answers } = partner;
  return row(html`${signOf(partner)}<a href="partners/${encodeURIComponent(id)}"><bdi>${name}</bdi></a>`, [
    cell(code(dialect)),
    cell(lastSeen === undefined ? 'never' : moment(lastSeen, clock)),
    cell(signsOf(partner)),
    ...[answers.documents, answers.unchanged, answers.others].map((count) => numberCell(number(count))),
  ]);
}

/** The worst sign, as a shape. */
function signOf({ isLate, spreadKeys }: PartnerGlance): Part {
  if (spreadKeys > 0) return html`${mark('bad')} `;
  return isLate && html`${mark('warn')} `;
}

function signsOf({ isLate, spreadKeys }: PartnerGlance): string {
  const signs = [
    ...(spreadKeys > 0 ? [`${counted(spreadKeys, 'key')} in many networks`] : []),
    ...(isLate ? ['late'] : []),
  ];
  return signs.join(', ');
}

function partnerPage(status: PartnerActivity, clock: Clock, site: Site): string {
  const { id, name, dialect, feeds, answers, lastSeen, at } = status;
  const main = html`<header class="about">
<p class="over"><a href="../partners">Partners</a></p>
<h1 class="verdict"><bdi>${name}</bdi></h1>
<p class="standfirst">${sentenceOf(status)}</p>
${asOf(at, clock)}
</header>
<dl class="facts">
${fact('Last seen', lastSeen === undefined ? 'Never' : clock.shortDay(Date.parse(lastSeen)), lastSeen === undefined ? 'no request with a valid key' : clock.zoned(Date.parse(lastSeen)))}
${fact('Documents', number(answers.documents), 'in 24 hours')}
${fact('Unchanged', number(answers.unchanged), 'in 24 hours (304)')}
${fact('Feeds', number(feeds.length), feeds.length === 1 ? (feeds[0] ?? '') : `in the dialect ${dialect}`)}
</dl>
<div class="sheet">
${spreadSection(status, clock)}${pausesSection(status, clock)}${withdrawalsSection(status.withdrawals, clock)}${skippedSection(status, clock)}${keysSection(status, clock)}${deliveriesSection(status.deliveries, answers, clock)}${gapsSection(status.gaps, clock)}</div>`;
  return operatorPage({ title: `${name} (${id})`, current: 'Partners', root: '../', main }, site);
}

function sentenceOf({ lastSeen, isLate, spread, skippedCount }: PartnerActivity): string {
  if (spread.length > 0) return 'A key was used from many networks at once: it may have leaked.';
  if (lastSeen === undefined) return 'This partner has fetched nothing yet.';
  if (isLate) return 'This partner has fetched nothing for longer than usual.';
  return skippedCount === 0
    ? 'This partner fetches as usual.'
    : 'This partner fetches as usual. Rules of its dialect leave stories out.';
}

function asOf(at: string, clock: Clock): Html {
  const moment = Date.parse(at);
  return html`<p class="hush">As of <time datetime="${at}">${clock.date(moment)}, ${clock.exact(moment)}</time>. Reload for newer numbers.</p>`;
}

function moment(at: string, clock: Clock): Html {
  const time = Date.parse(at);
  return html`<time datetime="${at}">${clock.shortDay(time)}, ${clock.time(time)}</time>`;
}

function spreadSection({ spread }: PartnerActivity, clock: Clock): Part {
  if (spread.length === 0) return undefined;
  const rows = spread.map(({ key, networks, at }) =>
    row(code(key), [
      cell(moment(at, clock)),
      cell(networks.slice(0, NETWORKS).map((network) => html`${code(network)} `)),
      numberCell(number(networks.length)),
    ]),
  );
  const columns = [{ title: 'Key' }, { title: 'Last' }, { title: 'Among them' }, { title: 'Networks', isNumber: true }];
  return section({
    id: 'spread',
    title: 'Keys in many networks',
    mark: mark('bad'),
    note: html`More than three networks within an hour. Ask the partner. If nobody can explain it, make a new key and revoke this one: ${code('key create')}, ${code('key revoke')}.`,
    isWide: true,
    body: table('spread', columns, rows),
  });
}

function pausesSection({ rhythm }: PartnerActivity, clock: Clock): Part {
  if (rhythm === undefined) return undefined;
  const { usual, limit, pauses } = rhythm;
  const rows = pauses.map(({ from, to, isOver }) =>
    row(moment(from, clock), [
      cell(isOver ? moment(to, clock) : 'not over'),
      cell(span(Date.parse(to) - Date.parse(from))),
    ]),
  );
  return section({
    id: 'pauses',
    title: 'Pauses',
    ...(pauses.length === 0 ? {} : { mark: mark('warn') }),
    note: `Usually ${span(usual)} between two visits. Longer than ${span(limit)} is listed, for 7 days.`,
    body:
      pauses.length === 0
        ? html`<p>None that is longer than usual.</p>`
        : table('pauses', [{ title: 'From' }, { title: 'To' }, { title: 'Length' }], rows),
  });
}

const ENDINGS: Readonly<Record<string, string>> = {
  withdrawn: 'withdrawn',
  expired: 'expired',
  'rights-ended': 'rights ended',
  moved: 'left the partner’s feeds',
  'rights-changed': 'the rights name other partners',
  corrected: 'corrected',
};

function withdrawalsSection(withdrawals: readonly PartnerReceipt[], clock: Clock): Html {
  const rows = withdrawals.map((withdrawal) => {
    const { article, title, ending, at } = withdrawal;
    const name = title === undefined ? code(article) : html`<bdi>${shorten(title, LONGEST)}</bdi>`;
    const what = html`${ENDINGS[ending] ?? ending} ${moment(at, clock)}`;
    return row(html`${receiptMark(withdrawal)}${name}`, [cell(what), cell(receiptText(withdrawal, clock))]);
  });
  return section({
    id: 'withdrawals',
    title: 'Withdrawals and corrections',
    note: html`The last ones within 30 days that this partner could have. ${code('withdrawals')} lists all.`,
    isWide: true,
    body:
      rows.length === 0
        ? html`<p>None.</p>`
        : table('withdrawals', [{ title: 'Story' }, { title: 'What happened' }, { title: 'Receipt' }], rows),
  });
}

/** Receipts of partners that may still show the story. */
const UNKNOWN: ReadonlySet<string> = new Set(['not seen', 'not listed']);

function receiptMark({ state }: PartnerReceipt): Part {
  if (state === 'seen') return html`${mark('good')} `;
  return UNKNOWN.has(state) && html`${mark('warn')} `;
}

function receiptText({ state, seenAt, key }: PartnerReceipt, clock: Clock): Part {
  if (seenAt === undefined) return state;
  return html`${state} ${moment(seenAt, clock)}${key !== undefined && html` with ${code(key)}`}`;
}

function skippedSection({ skipped, skippedCount }: PartnerActivity, clock: Clock): Html {
  const rows = skipped.map(({ article, feed, rule, reason, since }: SkippedEntry) =>
    row(code(shorten(article, LONGEST)), [
      cell(code(feed)),
      cell(html`<bdi>${shorten(reason, LONGEST)}</bdi> <span class="hush">${code(rule)}</span>`),
      cell(moment(since, clock)),
    ]),
  );
  const columns = [{ title: 'Article' }, { title: 'Feed' }, { title: 'Why' }, { title: 'Since' }];
  const more =
    skippedCount > skipped.length ? `The first ${number(skipped.length)} of ${number(skippedCount)}.` : undefined;
  return section({
    id: 'skipped',
    title: 'What is left out, and why',
    ...(skippedCount === 0 ? {} : { mark: mark('warn') }),
    note: more,
    isWide: true,
    body:
      rows.length === 0
        ? html`<p>Every story of its feeds meets the rules of the dialect.</p>`
        : table('skipped', columns, rows),
  });
}

/** Keys live for years: the end of one has its year. */
function stateOf({ expires, isRevoked }: PartnerKey, at: number, clock: Clock): Part {
  if (isRevoked) return 'revoked';
  if (expires === undefined) return 'valid';
  const end = Date.parse(expires);
  return html`${end > at ? 'until' : 'expired'} <time datetime="${expires}">${clock.date(end)}, ${clock.time(end)}</time>`;
}

function keysSection({ keys, at }: PartnerActivity, clock: Clock): Html {
  const rows = keys.map((key) =>
    row(html`<bdi>${key.name}</bdi> ${code(key.id)}`, [
      cell(key.lastUse === undefined ? 'never' : moment(key.lastUse, clock)),
      cell(stateOf(key, Date.parse(at), clock)),
    ]),
  );
  return section({
    id: 'keys',
    title: 'Keys',
    body:
      rows.length === 0
        ? html`<p>None: make one with ${code('key create --partner')}.</p>`
        : table('keys', [{ title: 'Key' }, { title: 'Last use' }, { title: 'State' }], rows),
  });
}

function deliveriesSection(deliveries: readonly PartnerDelivery[], answers: PartnerAnswers, clock: Clock): Html {
  const rows = deliveries.map(({ at, key, feed, format, status, bytes, whole, network }) =>
    row(html`<time datetime="${at}">${clock.shortDay(Date.parse(at))}, ${clock.exact(Date.parse(at))}</time>`, [
      cell(html`${code(feed)} ${code(format)}`),
      cell(html`${number(status)}${status === 200 && !whole && ', not whole'}`),
      cell(code(key)),
      cell(code(network)),
      numberCell(size(bytes)),
    ]),
  );
  const columns = [
    ...[{ title: 'When' }, { title: 'Feed' }, { title: 'Status' }],
    ...[{ title: 'Key' }, { title: 'Network' }, { title: 'Sent', isNumber: true }],
  ];
  const all = answers.documents + answers.unchanged + answers.others;
  return section({
    id: 'deliveries',
    title: 'Deliveries',
    note: html`${counted(all, 'answer')} in 24 hours.${rows.length > 0 && html` These are the newest ${number(rows.length)} of 7 days; ${code('deliveries')} lists all.`}`,
    isWide: true,
    body: rows.length === 0 ? html`<p>None in the last 7 days.</p>` : table('deliveries', columns, rows),
  });
}

function gapsSection(gaps: readonly RecordGap[], clock: Clock): Part {
  if (gaps.length === 0) return undefined;
  const items = gaps.map(({ from, to }) => {
    const length = Date.parse(to) - Date.parse(from);
    return html`<li>From ${moment(from, clock)}, for ${length < 60_000 ? 'less than a minute' : span(length)}</li>\n`;
  });
  return section({
    id: 'gaps',
    title: 'Not recorded',
    note: 'A process was killed, or the disk was full. Receipts say “not recorded” where such a time matters.',
    body: html`<ul>\n${items}</ul>`,
  });
}
