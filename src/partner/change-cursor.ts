import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { Instant } from '../lib/instant.ts';
import type { Store } from '../store/store.ts';

/** How far a partner has read its change feed. */
export interface Position {
  /** Changes up to this revision are read. */
  readonly revision: number;
  /** What time alone changed, in articles up to that revision, is read up to this moment. */
  readonly time: Instant;
  /** Of the articles that changed at that very moment, those with greater numbers are not read yet. */
  readonly number: number;
  /** The last moment at which the reader had read everything. */
  readonly readAt: Instant;
  /** The revision of the store that the reader knew whole at that moment. */
  readonly readRevision: number;
  /** The reader has not reached the present yet: it also gets the withdrawals since that moment. */
  readonly isBeginning: boolean;
  /** The delay of the partner when the position was reached. */
  readonly delay: number;
  /** A digest of what decides which stories the partner gets. */
  readonly selection: number;
}

export interface Cursor {
  readonly position: Position;
  readonly issuedAt: Instant;
}

/** Turns positions into texts that tell nothing, and back. */
export interface CursorSeal {
  /** @returns a text of `CURSOR_LENGTH` characters, new at each call */
  readonly seal: (partner: string, cursor: Cursor) => string;
  /** Undefined for a text that `seal` did not make for this partner. */
  readonly open: (partner: string, text: string) => Cursor | undefined;
}

/** The setting with the key of the cursors. */
const KEY_SETTING = 'partner cursors';
const KEY_BYTES = 32;
const CIPHER = 'aes-256-gcm';
const VERSION = 1;
const NONCE = 12;
const TAG = 16;
/** Numbers in a cursor. */
const NUMBERS = 8;
/** The version, a flag, and the numbers. */
const PLAIN = 2 + NUMBERS * 8;
/** Characters of a cursor. */
export const CURSOR_LENGTH = Math.ceil(((NONCE + PLAIN + TAG) * 4) / 3);
const FORM = new RegExp(`^[A-Za-z0-9_-]{${CURSOR_LENGTH}}$`);

/** Opens the seal of a store. Processes that share the store share its key, whichever of them makes it. */
export async function openCursorSeal(store: Pick<Store, 'setting' | 'keepSetting'>): Promise<CursorSeal> {
  const known = await store.setting(KEY_SETTING);
  const kept = known ?? (await store.keepSetting(KEY_SETTING, randomBytes(KEY_BYTES).toString('base64url')));
  return createCursorSeal(Buffer.from(kept, 'base64url'));
}

/** @param key 32 random bytes */
export function createCursorSeal(key: Uint8Array): CursorSeal {
  return {
    seal(partner, cursor) {
      const nonce = randomBytes(NONCE);
      const cipher = createCipheriv(CIPHER, key, nonce).setAAD(Buffer.from(partner));
      return Buffer.concat([nonce, cipher.update(pack(cursor)), cipher.final(), cipher.getAuthTag()]).toString(
        'base64url',
      );
    },
    open(partner, text) {
      if (!FORM.test(text)) return undefined;
      const bytes = Buffer.from(text, 'base64url');
      if (bytes.toString('base64url') !== text) return undefined; // another spelling of the same bytes
      const decipher = createDecipheriv(CIPHER, key, bytes.subarray(0, NONCE), { authTagLength: TAG })
        .setAAD(Buffer.from(partner))
        .setAuthTag(bytes.subarray(-TAG));
      try {
        return unpack(Buffer.concat([decipher.update(bytes.subarray(NONCE, -TAG)), decipher.final()]));
      } catch {
        return undefined; // not sealed with this key for this partner
      }
    },
  };
}

function pack({ position, issuedAt }: Cursor): Buffer {
  const plain = Buffer.alloc(PLAIN);
  plain.writeUInt8(VERSION, 0);
  plain.writeUInt8(position.isBeginning ? 1 : 0, 1);
  const { revision, time, number, readAt, readRevision, delay, selection } = position;
  const numbers = [revision, time, number, readAt, readRevision, delay, selection, issuedAt];
  for (const [index, value] of numbers.entries()) plain.writeDoubleBE(value, 2 + 8 * index);
  return plain;
}

function unpack(plain: Buffer): Cursor | undefined {
  if (plain.readUInt8(0) !== VERSION) return undefined;
  const numbers = Array.from({ length: NUMBERS }, (_, index) => plain.readDoubleBE(2 + 8 * index));
  const [revision = 0, time = 0, number = 0, readAt = 0, readRevision = 0] = numbers;
  const [delay = 0, selection = 0, issuedAt = 0] = numbers.slice(5);
  const isBeginning = plain.readUInt8(1) === 1;
  return { position: { revision, time, number, readAt, readRevision, isBeginning, delay, selection }, issuedAt };
}
