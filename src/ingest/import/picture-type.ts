import { rootOf } from './web-page.ts';

/** The ending of a picture that feed readers show, or the name of a type that they do not show. */
export type PictureType = { readonly ending: string } | { readonly unshown: string };

/** First bytes, at an offset. */
type Signature = readonly [type: string, offset: number, bytes: string];

const SHOWN: readonly Signature[] = [
  ['jpg', 0, '\xFF\xD8\xFF'],
  ['png', 0, '\x89PNG\r\n\x1A\n'],
  ['gif', 0, 'GIF87a'],
  ['gif', 0, 'GIF89a'],
  ['webp', 8, 'WEBP'],
  ['ico', 0, '\0\0\x01\0'],
];
const UNSHOWN: readonly Signature[] = [
  ['tiff', 0, 'II*\0'],
  ['tiff', 0, 'MM\0*'],
  ['psd', 0, '8BPS'],
  ['jp2', 4, 'jP  \r\n\x87\n'],
  ['jxl', 4, 'JXL \r\n\x87\n'],
  ['jxl', 0, '\xFF\x0A'],
];
/** Brands of HEIF (ISO 23008-12), and of AVIF, which is one. */
const AVIF = /^(?:avif|avis)$/;
const HEIF = /^(?:mif[12]|msf1|hei[cmsx]|hev[cmsx])$/;
const MAX_BRANDS = 50;
/** The sizes of the second header of BMP: two letters alone would make a picture of “BMW”. */
const BMP_HEADERS = new Set([12, 16, 40, 52, 56, 64, 108, 124]);

/**
 * Returns the type of a picture by its first bytes; undefined for other content. It reads no more of the file, because a
 * hostile one could make a reader of sizes count for hours. SVG counts only as a document of its own: web pages have SVG
 * within.
 */
export function pictureType(bytes: Buffer): PictureType | undefined {
  const shown = signed(SHOWN, bytes) ?? (isBmp(bytes) ? 'bmp' : undefined) ?? (isSvg(bytes) ? 'svg' : undefined);
  if (shown !== undefined) return { ending: shown };
  const brands = brandsOf(bytes);
  if (brands.some((brand) => AVIF.test(brand))) return { ending: 'avif' };
  const unshown = signed(UNSHOWN, bytes) ?? (brands.some((brand) => HEIF.test(brand)) ? 'heic' : undefined);
  return unshown === undefined ? undefined : { unshown };
}

function signed(signatures: readonly Signature[], bytes: Buffer): string | undefined {
  return signatures.find(([, offset, text]) => bytes.toString('latin1', offset, offset + text.length) === text)?.[0];
}

function isBmp(bytes: Buffer): boolean {
  return bytes.length > 18 && bytes.toString('latin1', 0, 2) === 'BM' && BMP_HEADERS.has(bytes.readUInt32LE(14));
}

function isSvg(bytes: Buffer): boolean {
  return /^<(?:\w+:)?svg[\s/>]/.test(rootOf(bytes));
}

/** The brands of the box that begins a file of the ISO base media format (ISO 14496-12 §4.3): the first is the main one. */
function brandsOf(bytes: Buffer): string[] {
  if (bytes.length < 16 || bytes.toString('latin1', 4, 8) !== 'ftyp') return [];
  const end = Math.min(bytes.readUInt32BE(0), bytes.length, 16 + 4 * MAX_BRANDS);
  const compatible = bytes.toString('latin1', 16, Math.max(16, end)).match(/.{4}/gs) ?? [];
  return [bytes.toString('latin1', 8, 12), ...compatible];
}
