import type { Partner } from '../config/partners.ts';
import type { Publication } from '../config/publication.ts';
import { excerpt, PublisherError } from '../errors.ts';
import type { Instant } from '../lib/instant.ts';
import type { Store } from '../store/store.ts';
import { changesPath } from './addresses.ts';
import { type CursorSeal, openCursorSeal, type Position } from './change-cursor.ts';
import type { ChangeFormat, createChangeItems } from './change-items.ts';
import type { ChangeReads, ChangeStore } from './change-reads.ts';
import { type ChangePage, createChangeFeed } from './changes.ts';

interface ChangeAnswersParts {
  readonly store: ChangeStore & Pick<Store, 'setting' | 'keepSetting'>;
  readonly publication: Publication;
  readonly items: ReturnType<typeof createChangeItems>;
  readonly now: () => Instant;
}

/** What a client asks of the change feed of its partner. */
export interface ChangeQuery {
  /** The most changes of a page. */
  readonly limit: number;
  readonly format: ChangeFormat;
  /** The parameters of the request besides the cursor: the address of the next page repeats them. */
  readonly parameters: Readonly<Record<string, string>>;
}

/** The change feed of a publication's partners, as requests ask for it. */
export interface ChangeAnswers {
  /**
   * The position that a cursor names; without one, the beginning.
   *
   * @throws PublisherError `invalid_query` for a text that is no cursor of this partner, `cursor_expired`
   */
  readonly positionOf: (partner: Partner, since: string | undefined) => Promise<Position>;
  readonly page: (partner: Partner, from: Position, limit: number, reads?: ChangeReads) => Promise<ChangePage>;
  /** The page as JSON, with a cursor of its own. */
  readonly write: (partner: Partner, page: ChangePage, query: ChangeQuery) => Promise<string>;
}

export function createChangeAnswers({ store, publication, items, now }: ChangeAnswersParts): ChangeAnswers {
  const feed = createChangeFeed({ store, now, refusalOf: items.refusalOf });
  const begin = ({ id }: Partner) => `Begin again at /${changesPath(id)}, without “since”.`;
  let seal: Promise<CursorSeal> | undefined;

  /** Made with the first request: a service without partners keeps no key. */
  function openSeal(): Promise<CursorSeal> {
    seal ??= openCursorSeal(store).catch((error: unknown) => {
      seal = undefined;
      throw error;
    });
    return seal;
  }

  return {
    async positionOf(partner, since) {
      if (since === undefined) return feed.begin(partner);
      const cursor = (await openSeal()).open(partner.id, since);
      if (cursor === undefined) {
        const rule = 'must be the cursor of an answer to this partner: follow “next” of that answer as it is';
        const problems = [{ field: 'since', value: excerpt(since), rule }];
        throw new PublisherError('invalid_query', 'The query is not valid.', { problems, hint: begin(partner) });
      }
      if (cursor.issuedAt >= now() - partner.retention) return cursor.position;
      const message = 'The cursor is older than the changes that this partner can still read.';
      throw new PublisherError('cursor_expired', message, { hint: begin(partner) });
    },
    page: feed.page,
    async write(partner, { changes, position, hasMore }, { format, parameters }) {
      const cursor = (await openSeal()).seal(partner.id, { position, issuedAt: now() });
      const query = new URLSearchParams({ since: cursor, ...parameters });
      const next = `${publication.feedsUrl}${changesPath(partner.id)}?${query}`;
      const rest = JSON.stringify({ cursor, next, hasMore });
      return `{"items":[${items.render(changes, partner, format).join(',\n')}],\n${rest.slice(1)}\n`;
    },
  };
}
