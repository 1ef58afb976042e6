/** The text that a page hides, which the cleaning of a body removes. */
export interface HiddenText {
  /** The hidden elements that contain text. An element within another counts with it. */
  readonly elements: number;
  /** The beginning of the first one's text. */
  readonly excerpt: string;
}

export type OnHidden = (hidden: HiddenText) => void;

/** Says what is missing, for an operator. */
export function describeHidden({ elements, excerpt }: HiddenText): string {
  return `hidden text was left out: “${excerpt}” (${elements} ${elements === 1 ? 'element' : 'elements'})`;
}
