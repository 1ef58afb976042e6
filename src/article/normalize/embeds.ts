/** Iframes, objects and embeds: the players that we know stay, and a link takes the place of anything else. */
import { oneSpaced } from '../../lib/text.ts';
import { isWebUrl } from '../../lib/url.ts';
import { shortName } from '../change-counts.ts';
import { type Attributes, mediaAddresses } from './addresses.ts';
import { playerAddress, playerAttribute, sandboxOf } from './players.ts';
import { isRepeated } from './repeats.ts';
import { countElement, dropContent, type Frame, type State, startTag, writeLink, writeTarget } from './state.ts';

/** What stands in an iframe is for browsers that know none. */
export function openIframe(state: State, frame: Frame, attributes: Attributes): void {
  dropFallback(state, frame);
  const { src, isLazy } = mediaAddresses(attributes, state.resolve);
  writeEmbed(state, frame, src, attributes, isLazy);
}

export function openEmbed(state: State, frame: Frame, attributes: Attributes): void {
  writeEmbed(state, frame, attributes.src, attributes);
}

/** What stands in an object is for programs that cannot show it. Only where it leads nowhere, a link is added. */
export function openObject(state: State, frame: Frame, attributes: Attributes): void {
  const address = webAddress(state, attributes.data);
  if (address !== undefined && (isPicture(attributes) || playerAddress(address) !== undefined)) {
    writeEmbed(state, frame, address, attributes);
    if (!state.endsInItsTag('object')) dropFallback(state, frame);
    return;
  }
  frame.address = address ?? '';
  state.isCounted = true; // at its end
  frame.atEnd.push(() => {
    if (state.targets === frame.targets) writeEmbed(state, frame, frame.address, attributes);
    else countElement(state, frame, 'element_unwrapped', 'object element');
  });
}

function dropFallback(state: State, frame: Frame): void {
  dropContent(state);
  frame.isFallback = true;
}

/** A parameter of an object may have the address of its film. */
export function openParam(state: State, _frame: Frame, { name = '', value }: Attributes): void {
  const object = state.open.findLast((frame) => frame.name === 'object');
  if (object?.address === '' && /^(?:movie|src|url|file(?:name)?)$/i.test(name)) object.address = value ?? '';
}

function writeEmbed(
  state: State,
  frame: Frame,
  reference: string | undefined,
  attributes: Attributes,
  isLazy = false,
): void {
  const { name } = frame;
  const address = webAddress(state, reference);
  if (address === undefined) countElement(state, frame, 'embed_removed', name);
  else if (isInvisible(attributes)) countElement(state, frame, 'counter_removed', `${name} without a size`);
  else if (isRepeated(state.repeats, state.shown, address, isLazy))
    countElement(state, frame, 'repeated_content_removed', `repeated ${name}`);
  else {
    const player = isPicture(attributes) ? undefined : playerAddress(address);
    if (player !== undefined && isIframe(name)) writeIframe(state, frame, { reference, address, player }, attributes);
    else {
      const replacement = writeInstead(state, address, player, attributes);
      countElement(state, frame, 'embed_replaced', name, `${shortName(hostOf(address))} by ${replacement}`);
    }
  }
}

interface PlayerAddresses {
  /** As written. */
  readonly reference: string | undefined;
  readonly address: string;
  /** The address of the player itself. */
  readonly player: string;
}

/** Writes the iframe of a player. */
function writeIframe(state: State, frame: Frame, addresses: PlayerAddresses, attributes: Attributes): void {
  const { reference = '', address, player } = addresses;
  const kept = playerAttributes(attributes, player);
  writeTarget(state, `${startTag(state, 'iframe', kept)}</iframe>`);
  state.written = { name: 'iframe', attributes: { ...kept, src: reference } };
  if (player === address) return;
  countElement(state, frame, 'player_changed', frame.name, shortName(hostOf(address)));
  state.isCounted = false; // what its other attributes lose is not
}

/** Writes a picture, player or link in the place of an embedded page. Returns what it has written, in words. */
function writeInstead(state: State, address: string, player: string | undefined, attributes: Attributes): string {
  if (isPicture(attributes)) {
    writeTarget(state, startTag(state, 'img', { src: address, alt: attributes.title ?? '' }));
    return 'a picture';
  }
  if (player === undefined) return writeLink(state, withoutUser(address), wordsFor(address, attributes));
  writeTarget(state, `${startTag(state, 'iframe', playerAttributes(attributes, player))}</iframe>`);
  return 'its player';
}

function isIframe(name: string): boolean {
  return name === 'iframe' || name === 'amp-iframe';
}

function hostOf(address: string): string {
  return URL.parse(address)?.hostname ?? address;
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

/** The attributes of a player's iframe. Its sandbox is the last one. */
function playerAttributes(attributes: Attributes, src: string): Attributes {
  const kept: [string, string][] = 'src' in attributes ? [] : [['src', src]];
  for (const [name, value] of Object.entries(attributes)) {
    const clean = name === 'src' ? src : playerAttribute(name, value);
    if (clean !== undefined) kept.push([name, clean]);
  }
  kept.push(['sandbox', sandboxOf(src)]);
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
