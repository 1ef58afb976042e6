/** Pictures: each with an address in `src`, each once. */
import { absoluteAttribute } from '../sanitize-rules.ts';
import { type Attributes, bestCandidate, mediaAddresses, pictureAddresses } from './addresses.ts';
import { isInvisible } from './embeds.ts';
import { isRepeated } from './repeats.ts';
import {
  countElement,
  type Frame,
  type Picture,
  type State,
  startTag,
  withValues,
  writeTag,
  writeTarget,
} from './state.ts';

export function openPicture(state: State, frame: Frame, attributes: Attributes): void {
  const picture: Picture = { isLazy: false, hasImage: false, isRepeated: false };
  frame.picture = picture;
  frame.kept = 'picture';
  frame.end = '</picture>';
  writeTag(state, 'picture', startTag(state, 'picture', attributes));
  frame.atEnd.push(() => {
    if (picture.hasImage) return;
    if (picture.candidate !== undefined && !picture.isRepeated) {
      writeImage(state, picture, { alt: '' });
      if (picture.hasImage) return;
    }
    if (state.shown > frame.shown) return;
    state.pieces.length = frame.start;
    frame.end = '';
    if (picture.isRepeated) countElement(state, frame, 'repeated_content_removed', 'repeated picture element');
    else countElement(state, frame, 'picture_removed', 'picture element');
  });
}

export function openImage(state: State, frame: Frame, attributes: Attributes): void {
  const picture = state.open.findLast(({ kept }) => kept === 'picture')?.picture;
  const lack = writeImage(state, picture, attributes);
  if (lack === 'address') countElement(state, frame, 'picture_removed', 'picture');
  if (lack === 'size') countElement(state, frame, 'counter_removed', 'picture without a size');
  if (lack === 'news') countElement(state, frame, 'repeated_content_removed', 'repeated picture');
}

/** Writes a picture. Returns what it lacks to be written. */
function writeImage(
  state: State,
  picture: Picture | undefined,
  attributes: Attributes,
): 'address' | 'size' | 'news' | undefined {
  const found = pictureAddresses(attributes, state.resolve);
  const src = found?.src ?? picture?.candidate;
  const address = src === undefined ? undefined : absoluteAttribute('src', src, state.resolve);
  if (address === undefined) return 'address';
  if (state.repeats.depth > 0 && isInvisible(attributes)) return 'size'; // it counts readers
  if (isRepeated(state.repeats, state.shown, address, found?.isLazy === true || picture?.isLazy === true)) {
    if (picture !== undefined) picture.isRepeated = true;
    return 'news';
  }
  if (picture !== undefined) picture.hasImage = true;
  const srcset = found?.srcset;
  const values = srcset === attributes.srcset ? { src } : { src, srcset };
  writeTarget(state, startTag(state, 'img', withValues(attributes, values)));
  return undefined;
}

/** A `source` of a picture, sound or film. */
export function openSource(state: State, frame: Frame, attributes: Attributes): void {
  const { src, srcset, isLazy } = mediaAddresses(attributes, state.resolve);
  if (src === undefined && srcset === undefined) {
    countElement(state, frame, 'picture_removed', 'source');
    return;
  }
  const picture = state.open.findLast(({ kept }) => kept === 'picture')?.picture;
  if (picture !== undefined) {
    picture.candidate ??= src ?? bestCandidate(srcset ?? '', state.resolve);
    picture.isLazy ||= isLazy;
  }
  state.pieces.push(startTag(state, 'source', withValues(attributes, { src, srcset })));
}

/** A film or sound. Where the tag ends it, the story goes on behind it, not in it. */
export function openMedia(state: State, frame: Frame, attributes: Attributes): void {
  const { src } = mediaAddresses(attributes, state.resolve);
  writeTarget(state, startTag(state, frame.name, withValues(attributes, { src })));
  if (state.endsInItsTag(frame.name)) {
    state.pieces.push(`</${frame.name}>`);
    return;
  }
  frame.kept = frame.name;
  frame.end = `</${frame.name}>`;
}

/** What stands in `noscript` is for programs that run no scripts: a reader shows it. */
export function openNoscript(state: State, frame: Frame): void {
  const { repeats } = state;
  const { found } = repeats;
  repeats.depth += 1;
  state.isCounted = true; // at its end
  frame.atEnd.push(() => {
    repeats.depth -= 1;
    if (state.shown > frame.shown) countElement(state, frame, 'element_unwrapped', 'noscript element');
    else if (repeats.found === found) countElement(state, frame, 'element_removed', 'empty noscript element');
  });
}
