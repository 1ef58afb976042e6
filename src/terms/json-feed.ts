import { rslAddress } from './rsl.ts';
import type { Stated } from './scope.ts';
import type { Permission, Terms } from './terms.ts';

/** The terms in JSON Feed, which has no field for them. */
export interface JsonTerms {
  readonly license?: Terms['license'] | undefined;
  readonly search?: Permission | undefined;
  readonly ai_answers?: Permission | undefined;
  readonly ai_training?: Permission | undefined;
  readonly text_and_data_mining?: Permission | undefined;
  readonly contact?: Terms['contact'] | undefined;
  readonly payment?: Terms['payment'] | undefined;
  /** The address of the same in RSL. */
  readonly rsl?: string | undefined;
}

/** An object of our own, whose name in the feed needs an underscore (JSON Feed 1.1, "Extensions"). */
export function jsonTerms(stated: Stated): JsonTerms | undefined {
  const { terms } = stated;
  if (terms === undefined) return undefined;
  return {
    license: terms.license,
    search: terms.search,
    ai_answers: terms.aiAnswers,
    ai_training: terms.aiTraining,
    text_and_data_mining: terms.dataMining,
    contact: terms.contact,
    payment: terms.payment,
    rsl: rslAddress(stated),
  };
}
