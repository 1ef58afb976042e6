/** Iframes, objects and embeds: the players that we know stay, and a link takes the place of anything else. */
import { oneSpaced } from '../../lib/text.ts';
import { isWebUrl } from '../../lib/url.ts';
import { type Attributes, mediaAddresses } from './addresses.ts';
import { playerAddress, playerAttribute } from './players.ts';
import { isRepeated } from './repeats.ts';
import { dropContent, type Frame, type State, startTag, writeLink, writeTarget } from './state.ts';

/** What stands in an iframe is for browsers that know none. */
export function openIframe(state: State, _frame: Frame, attributes: Attributes): void {
  dropContent(state);
  const { src, isLazy } = mediaAddresses(attributes, state.resolve);
  writeEmbed(state, src, attributes, isLazy);
}

export function openEmbed(state: State, _frame: Frame, attributes: Attributes): void {
  writeEmbed(state, attributes.src, attributes);
}

/** What stands in an object is for programs that cannot show it. Only where it leads nowhere, a link is added. */
export function openObject(state: State, frame: Frame, attributes: Attributes): void {
  const address = webAddress(state, attributes.data);
  if (address !== undefined && (isPicture(attributes) || playerAddress(address) !== undefined)) {
    writeEmbed(state, address, attributes);
    if (!state.endsInItsTag('object')) dropContent(state);
    return;
  }
  frame.address = address ?? '';
  frame.atEnd.push(() => {
    if (state.targets === frame.targets) writeEmbed(state, frame.address, attributes);
  });
}

/** A parameter of an object may have the address of its film. */
export function openParam(state: State, _frame: Frame, { name = '', value }: Attributes): void {
  const object = state.open.findLast((frame) => frame.name === 'object');
  if (object?.address === '' && /^(?:movie|src|url|file(?:name)?)$/i.test(name)) object.address = value ?? '';
}

function writeEmbed(state: State, reference: string | undefined, attributes: Attributes, isLazy = false): void {
  const address = webAddress(state, reference);
  if (address === undefined || isInvisible(attributes) || isRepeated(state.repeats, state.shown, address, isLazy))
    return;
  const player = playerAddress(address);
  if (isPicture(attributes)) writeTarget(state, startTag('img', { src: address, alt: attributes.title ?? '' }));
  else if (player === undefined) writeLink(state, withoutUser(address), wordsFor(address, attributes));
  else writeTarget(state, `${startTag('iframe', playerAttributes(attributes, player))}</iframe>`);
}

function webAddress({ resolve }: State, reference = ''): string | undefined {
  const address = resolve(reference);
  return address !== undefined && isWebUrl(address) ? address : undefined;
}

/** Whether an embedded page has no size. Such pages count readers. */
export function isInvisible({ width, height }: Attributes): boolean {
  return [width, height].some((size) => size !== undefined && /^\s*[01](?:px)?\s*$/.test(size));
}

function isPicture({ type = '' }: Attributes): boolean {
  return /^image\//i.test(type);
}

function playerAttributes(attributes: Attributes, src: string): Attributes {
  const kept: [string, string][] = 'src' in attributes ? [] : [['src', src]];
  for (const [name, value] of Object.entries(attributes)) {
    const clean = name === 'src' ? src : playerAttribute(name, value);
    if (clean !== undefined) kept.push([name, clean]);
  }
  return Object.fromEntries(kept);
}

/** The address without a user's name and password, which only hide its host. */
function withoutUser(address: string): string {
  const url = URL.parse(address);
  if (url === null || (url.username === '' && url.password === '')) return address;
  url.username = '';
  url.password = '';
  return url.href;
}

/** The words of a link in the place of a page: its title, otherwise its host. */
function wordsFor(address: string, attributes: Attributes): string {
  const title = oneSpaced(attributes.title ?? attributes['aria-label'] ?? '').trim();
  return title !== '' ? title : (URL.parse(address)?.hostname.replace(/^www\./, '') ?? address);
}
