import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Request, RequestHandler, Response } from 'express';
import type { Partner } from '../config/partners.ts';
import type { Publication } from '../config/publication.ts';
import { PublisherError } from '../errors.ts';
import { FORMATS, type Format } from '../feed/feeds.ts';
import type { Instant } from '../lib/instant.ts';
import { CHANGES, changesPath } from '../partner/addresses.ts';
import type { DeliveryRecorder } from '../partner/deliveries.ts';
import type { PartnerAnswers } from '../partner/documents.ts';
import { type ProvableAnswer, proofHeaders } from '../partner/proof/delivery-proof.ts';
import type { Signer } from '../partner/proof/signature.ts';
import { isActive } from '../publish/api-keys.ts';
import type { StoredKey } from '../store/store.ts';
import { answerTo } from './answer.ts';
import type { KeyCheck } from './authorization.ts';
import { createPartnerQuota } from './load/partner-quota.ts';
import { type AuthorizedPartner, authorizePartner, forgetKey } from './partner-authorization.ts';
import { recordDelivery } from './partner-delivery.ts';
import { noteAnswer, respondWithDocument } from './respond.ts';

type Handler = RequestHandler<{ path: string[] }>;

/** Answers a request that is authorised. */
export type PartnerHandler = (asked: PartnerRequest, later: LaterAnswers) => Promise<void>;

/** A request of a partner. Thousands may wait for their answers: they share the functions of `LaterAnswers`. */
export interface PartnerRequest {
  readonly request: Request<{ path: string[] }>;
  readonly response: Response;
  readonly partner: Partner;
  /** The id of its key: no request that waits keeps the hash. */
  readonly key: string;
}

/** For a handler that ends before it has answered. */
export interface LaterAnswers {
  readonly fail: (asked: PartnerRequest, error: unknown) => void;
  /** To be called by a handler that ends before it has answered: until then, the request keeps only what its answer needs. */
  readonly beginWait: (asked: PartnerRequest) => void;
  /** Answers the request as if it had just come, with the publication that is in force. */
  readonly again: (asked: PartnerRequest) => void;
  /** Whether the key of the request may still get an answer: it may have been revoked, or have expired, meanwhile. */
  readonly isAuthorized: (asked: PartnerRequest) => Promise<boolean>;
  /** To be called when the answer is ready: it is recorded as delivered when it ends. */
  readonly deliver: (asked: PartnerRequest, page: DeliveredChanges) => void;
  /** The headers that prove an answer. Requests for one address get the same for the same answer. */
  readonly prove: (
    asked: PartnerRequest,
    answer: Pick<ProvableAnswer, 'headers' | 'representation'>,
  ) => readonly string[];
}

/** A page of the change feed. */
interface DeliveredChanges {
  readonly format: string;
  /** The revision up to which the partner knows all that has changed; 0 where more pages follow. */
  readonly revision: number;
  /** The moment up to which it knows what time has changed; by default the present one. */
  readonly at?: Instant;
}

export interface PartnerParts extends KeyCheck {
  readonly publication: Publication;
  readonly partnerDocuments?: PartnerAnswers;
  /** Answers at `/partners/{partner}/changes`. */
  readonly partnerChanges?: PartnerHandler;
  /** Records what partners fetch. */
  readonly recorder: Pick<DeliveryRecorder, 'begin'>;
  /** Signs answers, where the operator has a key. */
  readonly signer?: Signer;
  /** The address of a client, while its connection is open. */
  readonly clientOf: (request: IncomingMessage) => string;
  /** Answers a request with an error. */
  readonly answerError: (error: unknown, request: Request<{ path: string[] }>, response: Response) => void;
  /** Answers a request with the publication that is in force. */
  readonly answerAgain: (request: IncomingMessage, response: Response) => void;
  readonly refuseOverdrawn: (request: IncomingMessage) => void;
  /** Answers at an address that an earlier system gave to a feed. Returns whether it did. */
  readonly answerOldAddress: (request: Request<{ path: string[] }>, response: Response) => Promise<boolean>;
  readonly keepSlot: (request: IncomingMessage) => void;
}

/** Addresses that a hint names. */
const MAX_NAMED = 10;

/** Answers below `/partners/`. Nothing but a partner with a valid key learns what there is. */
export function partnerHandler(parts: PartnerParts): Handler {
  const {
    publication,
    partnerDocuments,
    partnerChanges,
    now,
    refuseOverdrawn,
    keepSlot,
    answerAgain,
    answerError,
    answerOldAddress,
  } = parts;
  const { recorder, signer, clientOf } = parts;
  const quota = createPartnerQuota();
  const keyWithId = sharedInRound((id: string) => parts.store.key(id));

  function record(
    request: IncomingMessage,
    response: Response,
    { partner, key }: { readonly partner: Partner; readonly key: Pick<StoredKey, 'id'> },
    at?: Instant,
  ) {
    const owner = { recorder, partner: partner.id, key: key.id, client: clientOf(request) };
    return recordDelivery(request, response, owner, at);
  }

  const later: LaterAnswers = {
    fail: ({ request, response }, error) => answerError(error, request, response),
    beginWait({ request, response }) {
      forgetKey(request);
      forgetRoute(request, response);
    },
    again: ({ request, response }) => answerAgain(request, response),
    async isAuthorized({ key }) {
      const known = await keyWithId(key);
      return known !== undefined && isActive(known, now());
    },
    deliver({ request, response, partner, key }, { format, revision, at }) {
      record(request, response, { partner, key: { id: key } }, at)({ feed: CHANGES, format, revision });
    },
    prove({ request, partner }, answer) {
      const address = `${publication.feedsUrl}${changesPath(partner.id)}${queryOf(request)}`;
      return proofHeaders({ status: 200, ...answer, address }, { signer, now: now() });
    },
  };

  async function answerWithChanges(
    request: Request<{ path: string[] }>,
    response: Response,
    { partner, key: { id } }: AuthorizedPartner,
    handle: PartnerHandler,
  ): Promise<void> {
    quota.begin(partner, { id }, request)(200);
    const asked: PartnerRequest = { request, response, partner, key: id };
    try {
      await handle(asked, later);
    } catch (error) {
      later.deliver(asked, { format: 'unknown', revision: 0 });
      throw error;
    }
  }

  async function answerWithFeed(
    request: IncomingMessage,
    response: Response,
    { partner, key, rest }: AuthorizedPartner,
  ): Promise<void> {
    const deliver = record(request, response, { partner, key });
    const charge = quota.begin(partner, key, request);
    const { name, format } = feedIn(rest);
    const representations = format && (await partnerDocuments?.get(partner, name, format));
    if (format === undefined || representations === undefined) {
      charge(404);
      refuseOverdrawn(request);
      throw await unknownFeed(partner);
    }
    const delivered = { feed: name, format, revision: 0 };
    deliver(delivered); // if the answer is an error now, it is one for this feed
    const { maxAge, feedsUrl } = publication;
    const ready = answerTo(request, representations, { now: now(), maxAge, feedsUrl });
    const answer = 'pending' in ready ? await ready.pending() : ready;
    charge(answer.status);
    if (answer.status !== 304) refuseOverdrawn(request);
    noteAnswer(response, answer);
    const { self: address = '', revision = 0, reach } = answer.document.partner ?? {};
    deliver({ ...delivered, revision, reach });
    const { body } = representations;
    const representation = answer.status === 304 ? undefined : (body.getIfReady(answer.coding) ?? body.identity);
    const proof = proofHeaders({ ...answer, representation, address }, { signer, now: now() });
    respondWithDocument(response, { ...answer, headers: [...answer.headers, ...proof] });
  }

  async function unknownFeed(partner: Partner): Promise<PublisherError> {
    const addresses = (await partnerDocuments?.addresses(partner)) ?? [];
    const more = addresses.length > MAX_NAMED ? ' …' : '';
    return new PublisherError('feed_not_found', `The partner ${partner.id} has no such feed.`, {
      hint: `Its feeds are: ${addresses.slice(0, MAX_NAMED).join(' ')}${more}`,
    });
  }

  return async (request, response) => {
    keepSlot(request); // a compression that has begun goes on
    // The page of the old site about its partners may have had a feed.
    if (!hasFeedEnding(request.path) && (await answerOldAddress(request, response))) return;
    const authorized = await authorizePartner(parts, request);
    if (authorized.rest === CHANGES && partnerChanges !== undefined)
      return answerWithChanges(request, response, authorized, partnerChanges);
    await answerWithFeed(request, response, authorized);
  };
}

/** Lets go of the way that Express has found for a request, and of all that this way keeps in memory. */
function forgetRoute(request: IncomingMessage, response: ServerResponse): void {
  for (const name of ['next', 'params', '_parsedUrl']) Reflect.set(request, name, undefined);
  Reflect.set(response, 'locals', undefined);
}

/** Reads what many answers of one round of the event loop need only once. */
function sharedInRound<Key, Value>(read: (key: Key) => Promise<Value>): (key: Key) => Promise<Value> {
  const known = new Map<Key, Promise<Value>>();
  return (key) => {
    const result = known.get(key) ?? read(key);
    if (known.size === 0) setImmediate(() => known.clear());
    known.set(key, result);
    return result;
  };
}

function queryOf({ url = '' }: IncomingMessage): string {
  const start = url.indexOf('?');
  return start < 0 ? '' : url.slice(start);
}

/** Whether an address has the form of the addresses here. */
function hasFeedEnding(path: string): boolean {
  return /(?:\.(?:rss|atom|json)|\/changes)\/*$/i.test(path);
}

/** `section/world.rss` → the name of the feed and the format. */
function feedIn(rest: string): { readonly name: string; readonly format: Format | undefined } {
  const [, name = rest, ending] = /^(.+)\.(\w+)$/.exec(rest) ?? [];
  return { name, format: FORMATS.find((format) => format === ending) };
}
