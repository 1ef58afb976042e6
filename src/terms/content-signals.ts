import type { Addressed } from './scope.ts';
import type { Use } from './terms.ts';

/** Content Signals (contentsignals.org): a rule in a group of robots.txt. */

/** The words for the uses. There is none for text and data mining. */
const SIGNALS: readonly (readonly [signal: string, use: Use])[] = [
  ['search', 'search'],
  ['ai-input', 'aiAnswers'],
  ['ai-train', 'aiTraining'],
];

/** A use that machines have to ask for is refused: the signal itself allows nothing. */
export function contentSignalLine({ terms }: Addressed): string | undefined {
  const signals = SIGNALS.flatMap(([signal, use]) => {
    const value = terms?.[use];
    return value === undefined ? [] : [`${signal}=${value === 'yes' ? 'yes' : 'no'}`];
  });
  return signals.length === 0 ? undefined : `Content-Signal: ${signals.join(', ')}`;
}
