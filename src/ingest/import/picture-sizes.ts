import type { MediaFile } from './media-file.ts';

/** One entry for each picture, in its largest size and with the texts of any size. */
export function differentPictures(files: readonly MediaFile[]): MediaFile[] {
  const pictures: MediaFile[][] = [];
  const byKey = new Map<string, MediaFile[]>();
  for (const file of files) {
    const key = addressWithoutSize(file);
    const known = byKey.get(key) ?? pictures.find(([first]) => isOfSameGroup(first, file));
    if (known === undefined) pictures.push([file]);
    else known.push(file);
    byKey.set(key, known ?? pictures.at(-1) ?? []);
  }
  return pictures.flatMap((sizes) => largest(sizes) ?? []);
}

function isOfSameGroup(one: MediaFile | undefined, other: MediaFile): boolean {
  return (
    one?.group !== undefined && one.group === other.group && one.alt === other.alt && one.caption === other.caption
  );
}

function largest(sizes: readonly MediaFile[]): MediaFile | undefined {
  const size = ({ width = 0, height = 0 }: MediaFile) => Math.max(width, 1) * Math.max(height, 1);
  const [first, ...others] = sizes;
  const chosen = others.reduce((best, file) => (best !== undefined && size(file) <= size(best) ? best : file), first);
  const text = (name: 'alt' | 'caption' | 'credit') => sizes.map((file) => file[name]).find(Boolean);
  return chosen && { ...chosen, alt: text('alt'), caption: text('caption'), credit: text('credit') };
}

/** Parameters of an address that choose a size, a quality or a cut of the same picture. */
const SIZE_PARAMETERS = new Set(
  (
    'w h s q width height size sizes quality fit crop resize scale strip ssl auto format fm dpr ixlib cs imwidth ' +
    'imheight maxwidth maxheight max_width max_height'
  ).split(' '),
);

/** The address without a query that only chooses a size. Any other query may choose another picture. */
export function withoutSizeQuery(url: string): string {
  const whole = url.replace(/#.*$/s, '');
  const names = [...(URL.parse(url)?.searchParams.keys() ?? [])];
  return names.every((name) => SIZE_PARAMETERS.has(name.toLowerCase())) ? whole.replace(/\?.*$/s, '') : whole;
}

/** The address of a picture without what chooses its size, such as `dam.jpg?w=140` and `dam-300x200.jpg`. */
function addressWithoutSize({ url, width, height }: MediaFile): string {
  const parsed = URL.parse(url);
  if (parsed === null) return url;
  const parameters = [...parsed.searchParams].filter(([name]) => !SIZE_PARAMETERS.has(name.toLowerCase()));
  const sizes = new Set([width, height].filter((number) => number !== undefined).map(String));
  const path = parsed.pathname
    .replace(/-\d{2,5}x\d{2,5}(?=\.[a-z]+$)/i, '')
    .replace(/\d+/g, (number) => (sizes.has(number) ? '*' : number));
  return `${parsed.host}${path}?${new URLSearchParams(parameters)}`;
}
