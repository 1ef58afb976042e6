/** Pictures: each with an address in `src`, each once. */
import { absoluteAttribute } from '../sanitize-rules.ts';
import { type Attributes, bestCandidate, mediaAddresses, pictureAddresses } from './addresses.ts';
import { isInvisible } from './embeds.ts';
import { isRepeated } from './repeats.ts';
import { type Frame, type Picture, type State, startTag, withValues, writeTag, writeTarget } from './state.ts';

export function openPicture(state: State, frame: Frame, attributes: Attributes): void {
  const picture: Picture = { isLazy: false, hasImage: false, isRepeated: false };
  frame.picture = picture;
  frame.kept = 'picture';
  frame.end = '</picture>';
  writeTag(state, 'picture', startTag('picture', attributes));
  frame.atEnd.push(() => {
    if (picture.hasImage) return;
    if (picture.candidate !== undefined && !picture.isRepeated) {
      writeImage(state, picture, { alt: '' });
      if (picture.hasImage) return;
    }
    if (state.shown > frame.shown) return;
    state.pieces.length = frame.start;
    frame.end = '';
  });
}

export function openImage(state: State, _frame: Frame, attributes: Attributes): void {
  const picture = state.open.findLast(({ kept }) => kept === 'picture')?.picture;
  writeImage(state, picture, attributes);
}

function writeImage(state: State, picture: Picture | undefined, attributes: Attributes): void {
  const found = pictureAddresses(attributes, state.resolve);
  const src = found?.src ?? picture?.candidate;
  const address = src === undefined ? undefined : absoluteAttribute('src', src, state.resolve);
  if (address === undefined) return;
  if (state.repeats.depth > 0 && isInvisible(attributes)) return; // it counts readers
  if (isRepeated(state.repeats, state.shown, address, found?.isLazy === true || picture?.isLazy === true)) {
    if (picture !== undefined) picture.isRepeated = true;
    return;
  }
  if (picture !== undefined) picture.hasImage = true;
  const srcset = found?.srcset;
  writeTarget(state, startTag('img', withValues(attributes, srcset === attributes.srcset ? { src } : { src, srcset })));
}

/** A `source` of a picture, sound or film. */
export function openSource(state: State, _frame: Frame, attributes: Attributes): void {
  const { src, srcset, isLazy } = mediaAddresses(attributes, state.resolve);
  if (src === undefined && srcset === undefined) return;
  const picture = state.open.findLast(({ kept }) => kept === 'picture')?.picture;
  if (picture !== undefined) {
    picture.candidate ??= src ?? bestCandidate(srcset ?? '', state.resolve);
    picture.isLazy ||= isLazy;
  }
  state.pieces.push(startTag('source', withValues(attributes, { src, srcset })));
}

/** A film or sound. Where the tag ends it, the story goes on behind it, not in it. */
export function openMedia(state: State, frame: Frame, attributes: Attributes): void {
  const { src } = mediaAddresses(attributes, state.resolve);
  writeTarget(state, startTag(frame.name, withValues(attributes, { src })));
  if (state.endsInItsTag(frame.name)) {
    state.pieces.push(`</${frame.name}>`);
    return;
  }
  frame.kept = frame.name;
  frame.end = `</${frame.name}>`;
}

/** What stands in `noscript` is for programs that run no scripts: a reader shows it. */
export function openNoscript(state: State, frame: Frame): void {
  state.repeats.depth += 1;
  frame.atEnd.push(() => {
    state.repeats.depth -= 1;
  });
}
