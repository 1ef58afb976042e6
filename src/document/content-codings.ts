import { memo } from '../lib/memo.ts';

/** The content codings a representation is offered in, best first where a client likes several equally. */
export const CODINGS = ['br', 'zstd', 'gzip', 'identity'] as const;
export type Coding = (typeof CODINGS)[number];

/**
 * The coding for an Accept-Encoding header (RFC 9110 §12.5.3): the one with the highest weight, ours to choose among
 * equals. Undefined where the client accepts none. Without a header it is identity: such a client may not decode at all.
 */
export function chooseCoding(acceptEncoding: string | undefined): Coding | undefined {
  if (acceptEncoding === undefined) return 'identity';
  return chooseAmongAll(acceptEncoding);
}

/** Kept, because all clients of one make send the same header. */
const chooseAmongAll = memo((acceptEncoding) => bestCoding(acceptEncoding), { max: 1000, maxLength: 200 });

/** The same among the codings that are offered. */
export function bestCoding(
  acceptEncoding: string,
  offered: (coding: Coding) => boolean = () => true,
): Coding | undefined {
  const weights = parseWeights(acceptEncoding);
  const any = weights.get('*');
  let best: { coding: Coding; weight: number } | undefined;
  for (const coding of CODINGS) {
    // Identity is acceptable unless it is ruled out, but comes after everything the client asked for.
    const weight = weights.get(coding) ?? (coding === 'identity' ? (any === 0 ? 0 : Number.MIN_VALUE) : (any ?? 0));
    if (weight > (best?.weight ?? 0) && offered(coding)) best = { coding, weight };
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
    // x-gzip is gzip (RFC 9110 §8.4.1.3). A weight that is none makes the part one to ignore.
    if (weight >= 0 && weight <= 1) weights.set(name === 'x-gzip' ? 'gzip' : name, weight);
  }
  return weights;
}
