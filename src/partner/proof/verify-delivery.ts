import { rfc3339 } from '../../lib/instant.ts';
import { fitsDigest } from './digest.ts';
import type { PublicKey } from './keys.ts';
import { componentsOf, type SavedAnswer } from './saved-answer.ts';
import { isSignedBy, LABEL, type ParsedSignature, parseSignatures, TAG } from './signature.ts';

/** What a saved answer proves. */
export interface Verdict {
  /** Whether nothing is wrong, and all that was asked for is proven. */
  readonly isProven: boolean;
  /** What does not fit, or is missing although it was asked for. */
  readonly wrong: readonly string[];
  readonly proven: readonly string[];
  /** What nobody can say from the answer. */
  readonly unproven: readonly string[];
}

/** @param key the public key of the publisher; without it, the sender of the answer stays open */
export function verifyDelivery(answer: SavedAnswer, key: PublicKey | undefined): Verdict {
  const content = checkContent(answer);
  const signature = key === undefined ? withoutKey(answer) : checkSignature(answer, key, content.isRight);
  return {
    isProven:
      content.isRight !== false && signature.isRight !== false && (content.isRight || signature.isRight) === true,
    wrong: [...content.wrong, ...signature.wrong],
    proven: [...content.proven, ...signature.proven],
    unproven: [...content.unproven, ...signature.unproven, ...ALWAYS],
  };
}

/** A part of a verdict. */
interface Finding extends Omit<Verdict, 'isProven'> {
  /** Undefined: there was nothing to check. */
  readonly isRight: boolean | undefined;
}

const ALWAYS = ['that the partner has read or shown the content: no answer can prove that'];

function right(proven: readonly string[], unproven: readonly string[] = []): Finding {
  return { isRight: true, wrong: [], proven, unproven };
}

function wrong(sentence: string): Finding {
  return { isRight: false, wrong: [sentence], proven: [], unproven: [] };
}

function unchecked(sentence: string): Finding {
  return { isRight: undefined, wrong: [], proven: [], unproven: [sentence] };
}

function checkContent({ status, fields, body }: SavedAnswer): Finding {
  const digest = fields.get('repr-digest');
  if (status === 304)
    return unchecked('the content, because a 304 has none. Its ETag names the version that the partner has');
  if (digest === undefined) return wrong('the answer has no Repr-Digest, which the content could be compared with');
  if (body.length === 0 && Number(fields.get('content-length') ?? 0) > 0)
    return unchecked('the content, because the file has only the head of the answer');
  const fits = fitsDigest(digest, body);
  if (fits === undefined)
    return wrong('the Repr-Digest has neither sha-256 nor sha-512, so that the content cannot be compared with it');
  if (fits) return right([`the content is complete and unchanged: ${body.length} bytes fit the Repr-Digest`]);
  const coding = fields.get('content-encoding');
  const advice =
    coding === undefined
      ? 'It was changed, or cut, on its way or when it was saved'
      : `It was changed, or cut, or saved after decoding: save the bytes as they come in the coding ${coding}, without --compressed`;
  return wrong(`the content does not fit the Repr-Digest. ${advice}`);
}

function withoutKey({ fields }: SavedAnswer): Finding {
  const [signed] = signaturesOf({ fields });
  if (signed === undefined) return unchecked('the sender of the answer, because it has no signature');
  return unchecked(
    `the sender of the answer. It names the key ${keyIdIn(signed)}: check its signature with --key and the file of the publisher’s public key`,
  );
}

function signaturesOf({ fields }: Pick<SavedAnswer, 'fields'>): ParsedSignature[] {
  const all = parseSignatures(fields.get('signature-input') ?? '', fields.get('signature') ?? '');
  const [own, ...others] = [all.get(LABEL), ...all.values()];
  const candidates = own === undefined ? others : [own, ...others.filter((each) => each !== own)];
  return candidates.filter(({ covered }) => covered.parameters.get('tag') === TAG);
}

function keyIdIn({ covered }: ParsedSignature): string {
  return String(covered.parameters.get('keyid') ?? 'without a name');
}

function checkSignature(answer: SavedAnswer, key: PublicKey, isContentRight: boolean | undefined): Finding {
  const signatures = signaturesOf(answer);
  const [first] = signatures;
  if (first === undefined) return wrong('the answer has no signature of a delivery');
  const signed = signatures.find((each) => isSignedBy(key.key, each, componentsOf(answer)));
  if (signed === undefined) {
    const id = keyIdIn(first);
    const reason =
      id === key.id
        ? 'a signed header, or the signature itself, was changed or is missing'
        : `the answer names the key ${id}, and you have given the key ${key.id}`;
    return wrong(`the signature does not fit. The likely reason: ${reason}`);
  }
  return describeSigned(answer, signed, isContentRight);
}

/** What else must be signed, so that the signature says what the publisher has delivered. */
const NEEDED = ['@status', 'content-location'] as const;

function describeSigned(
  { status, fields }: SavedAnswer,
  { covered }: ParsedSignature,
  isContentRight: boolean | undefined,
): Finding {
  const names = covered.items.map(({ value }) => String(value));
  const missing = [...NEEDED, status === 304 ? 'etag' : 'repr-digest'].filter((name) => !names.includes(name));
  if (missing.length > 0)
    return wrong(`the signature leaves out ${missing.join(', ')}, and so does not say what the publisher sent`);
  const created = covered.parameters.get('created');
  const at =
    typeof created === 'number'
      ? `at ${rfc3339(created * 1000)} by the publisher’s clock`
      : 'at a time that it does not name';
  const content = isContentRight === true ? 'this content' : `the ETag ${fields.get('etag') ?? 'of no version'}`;
  return right(
    [
      `the publisher sent the status ${status} and ${content} for ${fields.get('content-location')}, ${at}: the signature fits the key`,
      `these headers are unchanged: ${names.filter((name) => !name.startsWith('@')).join(', ')}`,
    ],
    ['the other headers, and the client that got the answer'],
  );
}
