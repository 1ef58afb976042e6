import type { IncomingMessage } from 'node:http';
import type { Partner } from '../config/partners.ts';
import { type Coding, chooseCoding } from '../document/content-codings.ts';
import { createEncodedBody, type EncodedBody } from '../document/encoded-body.ts';
import { excerpt } from '../errors.ts';
import { didYouMean, meantWord } from '../lib/nearest-word.ts';
import { omitUndefined } from '../lib/omit-undefined.ts';
import type { ChangeAnswers, ChangeQuery } from '../partner/change-answers.ts';
import type { Position } from '../partner/change-cursor.ts';
import { CHANGE_FORMATS, type ChangeFormat, formatOf } from '../partner/change-items.ts';
import type { ChangeReads } from '../partner/change-reads.ts';
import { createTurns, searchOn } from '../partner/change-search.ts';
import { type ChangePage, feedKeysOf } from '../partner/changes.ts';
import type { Awaited, LongPolls, Poll } from '../partner/long-polls.ts';
import { FOR_PARTNERS } from './headers.ts';
import { noteWait, noteWaitEnd } from './observe.ts';
import type { LaterAnswers, PartnerHandler, PartnerRequest } from './partner-feeds.ts';
import { invalidQuery, query, queryInteger } from './query.ts';
import { respondWithPrepared } from './respond.ts';

export interface PartnerChangesParts {
  readonly changes: ChangeAnswers;
  readonly longPolls: LongPolls;
  /** Milliseconds of a monotonic clock. */
  readonly clock?: () => number;
}

const PARAMETERS = ['since', 'limit', 'wait', 'format'] as const;
const LIMIT = { fallback: 100, min: 1, max: 500 };
/** Seconds. */
const WAIT = { fallback: 0, min: 0, max: 60 };
/** Milliseconds for which a request that does not wait searches for its first change. */
const PATIENCE = 1000;
/** Bytes below which no coding makes an answer cheaper: it fits one packet anyway. */
const WORTH_CODING = 1400;

/** Requests that have waited: whatever the publication says by now, they are answered without another wait. */
const hasWaited = new WeakSet<IncomingMessage>();

/** Answers at /partners/{partner}/changes. A request that waits holds no slot of the queue: the handler has ended. */
export function partnerChangesHandler(parts: PartnerChangesParts): PartnerHandler {
  const { changes, longPolls, clock = () => performance.now() } = parts;
  const inTurn = createTurns();
  const respond = createResponder(changes);

  /** Lets a request wait behind an empty page. It holds no slot of the queue: the handler has ended. */
  function wait({ asked, query, later }: Answering, { page, version, until }: Waiting): void {
    hasWaited.add(asked.request);
    later.beginWait(asked);
    noteWait(asked.request);
    const poll = new RequestPoll(asked, { query, later, respond });
    if (page.hasMore) search(poll, page.position, until).catch((error) => poll.fail(error));
    else waitFrom(poll, page.position, { version, until });
  }

  function waitFrom(
    poll: RequestPoll,
    position: Position,
    { version, until }: { readonly version: number; readonly until: number },
  ): void {
    poll.wait = Math.max(0, until - clock());
    const { response, partner } = poll.asked;
    response.once('close', longPolls.wait(awaitedBy(partner, poll.query), position, poll, version));
  }

  /** Reads on to the present, or to the first change. */
  async function search(poll: RequestPoll, from: Position, until: number): Promise<void> {
    const { response, partner } = poll.asked;
    const restarts = longPolls.restarts();
    const isOver = () => clock() >= until || response.destroyed || longPolls.restarts() !== restarts;
    // Many may wait for their turn: a request whose time is over by then, or whose client has left, reads nothing.
    const look = (position: Position) =>
      inTurn(async () => (isOver() ? unread(position) : changes.page(partner, position, poll.query.limit)));
    const { page, version } = await searchOn(from, { look, version: longPolls.version, isOver });
    if (response.destroyed) return noteWaitEnd(poll.asked.request);
    if (longPolls.restarts() !== restarts) return poll.again();
    if (page.changes.length > 0 || page.hasMore) return poll.answer(page);
    waitFrom(poll, page.position, { version, until });
  }

  function awaitedBy(partner: Partner, { limit, format, parameters }: ChangeQuery): Awaited {
    return {
      key: JSON.stringify([partner.id, format, limit, parameters]),
      feeds: feedKeysOf(partner),
      delay: partner.delay,
      look: (position: Position, reads: ChangeReads) => changes.page(partner, position, limit, reads),
    };
  }

  return async (asked, later) => {
    const { request, response, partner } = asked;
    const { since, wait: seconds, format = formatOf(partner), limit, parameters } = parse(request);
    const query: ChangeQuery = { format, limit, parameters };
    const mayWait = request.method === 'GET' && seconds > 0 && !hasWaited.has(request);
    const until = clock() + (mayWait ? seconds * 1000 : PATIENCE);
    const version = longPolls.version();
    const from = await changes.positionOf(partner, since);
    const page = await changes.page(partner, from, limit, longPolls.reads());
    if (page.changes.length > 0 || !(page.hasMore || mayWait)) return respond(asked, page, { query, later });
    if (response.destroyed) return; // the client left
    if (mayWait) return wait({ asked, query, later }, { page, version, until });
    const found = await searchOn(page.position, {
      look: (position) => changes.page(partner, position, limit),
      version: longPolls.version,
      isOver: () => clock() >= until || response.destroyed,
    });
    await respond(asked, found.page, { query, later });
  };
}

/** The page of a request that cannot read on. */
function unread(position: Position): ChangePage {
  return { changes: [], position, hasMore: true };
}

interface Answering {
  readonly asked: PartnerRequest;
  readonly query: ChangeQuery;
  readonly later: LaterAnswers;
}

interface Waiting {
  /** The empty page behind which the request waits. */
  readonly page: ChangePage;
  /** That of the polls when the page was begun. */
  readonly version: number;
  /** By the monotonic clock. */
  readonly until: number;
}

interface RequestPollParts extends Omit<Answering, 'asked'> {
  readonly respond: Respond;
}

/** A request that waits. A class, because thousands wait at once: functions of their own would be a tenth of what they keep in memory. */
class RequestPoll implements Poll {
  /** Milliseconds from the moment at which it begins to wait for a change. */
  wait = 0;
  readonly asked: PartnerRequest;
  readonly query: ChangeQuery;
  private readonly later: LaterAnswers;
  private readonly respond: Respond;

  constructor(asked: PartnerRequest, { query, later, respond }: RequestPollParts) {
    this.asked = asked;
    this.query = query;
    this.later = later;
    this.respond = respond;
  }

  answer(page: ChangePage): void {
    noteWaitEnd(this.asked.request);
    this.answerIfAuthorized(page).catch((error) => this.later.fail(this.asked, error));
  }

  fail(error: unknown): void {
    noteWaitEnd(this.asked.request);
    this.later.fail(this.asked, error);
  }

  again(): void {
    noteWaitEnd(this.asked.request);
    this.later.again(this.asked);
  }

  private async answerIfAuthorized(page: ChangePage): Promise<void> {
    const { asked, query, later, respond } = this;
    if (await later.isAuthorized(asked)) await respond(asked, page, { query, later });
    else later.again(asked);
  }
}

type Respond = (asked: PartnerRequest, page: ChangePage, how: Omit<Answering, 'asked'>) => Promise<void>;

function createResponder(changes: Pick<ChangeAnswers, 'write'>): Respond {
  /** Polls that get the same page get the same bytes. */
  const bodies = new WeakMap<ChangePage, Promise<EncodedBody>>();
  /** The last answer with each of these bytes: nearly all polls for one page have the same address. */
  const prepared = new WeakMap<Buffer, PreparedAnswer>();

  function bodyOf(page: ChangePage, partner: Partner, query: ChangeQuery): Promise<EncodedBody> {
    const body =
      bodies.get(page) ?? changes.write(partner, page, query).then((text) => createEncodedBody(Buffer.from(text)));
    bodies.set(page, body);
    return body;
  }

  function prepare(asked: PartnerRequest, coding: Coding, body: Buffer, { prove }: LaterAnswers) {
    const { url } = asked.request;
    const known = prepared.get(body);
    if (known?.url === url) return known.headers;
    const own = coding === 'identity' ? HEADERS : [...HEADERS, 'Content-Encoding', coding];
    const proof = prove(asked, { representation: body, headers: own });
    const headers = [...own, ...proof, 'Content-Length', String(body.length)];
    prepared.set(body, { url, headers });
    return headers;
  }

  return async (asked, page, { query, later }) => {
    const { request, response, partner } = asked;
    const body = await bodyOf(page, partner, query);
    const coding = body.identity.length < WORTH_CODING ? 'identity' : codingFor(request);
    const bytes = body.getIfReady(coding) ?? (await body.bytes(coding));
    const headers = prepare(asked, coding, bytes, later);
    const { position, hasMore } = page;
    later.deliver(asked, {
      format: query.format,
      // Only behind the last page does a partner know all that has changed up to there.
      ...(hasMore ? { revision: 0 } : { revision: position.revision, at: position.readAt }),
    });
    respondWithPrepared(request, response, { headers, body: bytes, coding });
  };
}

/** One flat list of names and values. */
const HEADERS: readonly string[] = Object.entries({
  ...FOR_PARTNERS,
  'Cache-Control': 'private, no-store',
  'Content-Type': 'application/json; charset=utf-8',
  Vary: 'Authorization, Accept-Encoding',
}).flat();

interface PreparedAnswer {
  readonly url: string;
  /** One flat list of names and values. */
  readonly headers: readonly string[];
}

function codingFor({ headers }: IncomingMessage) {
  return chooseCoding(headers['accept-encoding']) ?? 'identity';
}

/** @throws PublisherError `invalid_query` */
function parse(request: IncomingMessage) {
  const { since, ...parameters } = query(request, PARAMETERS);
  const limit = queryInteger('limit', parameters.limit, LIMIT);
  const wait = queryInteger('wait', parameters.wait, WAIT);
  return omitUndefined({ since, limit, wait, format: formatIn(parameters.format), parameters });
}

function formatIn(text: string | undefined): ChangeFormat | undefined {
  const format = CHANGE_FORMATS.find((name) => name === text);
  if (text === undefined || format !== undefined) return format;
  const rule = `must be one of ${CHANGE_FORMATS.join(', ')}${didYouMean(meantWord(text, CHANGE_FORMATS))}`;
  throw invalidQuery({ field: 'format', value: excerpt(text), rule });
}
