import { memo } from '../lib/memo.ts';

/** The content codings of a document, in the order of our preference: it decides if a client likes several equally. */
export const CODINGS = ['br', 'zstd', 'gzip', 'identity'] as const;
export type Coding = (typeof CODINGS)[number];

/**
 * The coding for an Accept-Encoding header (RFC 9110 §12.5.3): the one with the highest weight and, among equals, the
 * first in `CODINGS`. Undefined if the client accepts no coding. Identity if there is no header, although RFC 9110
 * allows any coding then: such a client may be unable to decode.
 */
export function chooseCoding(acceptEncoding: string | undefined): Coding | undefined {
  if (acceptEncoding === undefined) return 'identity';
  return knownChoice(acceptEncoding);
}

/** Kept, because all clients of one kind send the same header. */
const knownChoice = memo((acceptEncoding) => bestCoding(acceptEncoding), { max: 1000, maxLength: 200 });

/** The same choice among the codings for which `isOffered` returns true. */
export function bestCoding(
  acceptEncoding: string,
  isOffered: (coding: Coding) => boolean = () => true,
): Coding | undefined {
  const weights = parseWeights(acceptEncoding);
  const any = weights.get('*');
  let best: { coding: Coding; weight: number } | undefined;
  for (const coding of CODINGS) {
    // Identity is acceptable unless the client excludes it, but every coding that the client names comes first.
    const weight = weights.get(coding) ?? (coding === 'identity' ? (any === 0 ? 0 : Number.MIN_VALUE) : (any ?? 0));
    if (weight > (best?.weight ?? 0) && isOffered(coding)) best = { coding, weight };
  }
  return best?.coding;
}

function parseWeights(header: string): Map<string, number> {
  const weights = new Map<string, number>();
  for (const part of header.split(',')) {
    const [name = '', ...parameters] = part.split(';').map((piece) => piece.trim().toLowerCase());
    if (name === '') continue;
    const quality = parameters.find((parameter) => parameter.startsWith('q='));
    const weight = quality === undefined ? 1 : Number(quality.slice(2) || Number.NaN);
    // x-gzip is gzip (RFC 9110 §8.4.1.3). A part with an invalid weight is ignored.
    if (weight >= 0 && weight <= 1) weights.set(name === 'x-gzip' ? 'gzip' : name, weight);
  }
  return weights;
}
