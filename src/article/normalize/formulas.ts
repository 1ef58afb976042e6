/** Formulas in MathML as text: without the elements, 1/2 would read 12, and x² would read x2. */

/** What is written around a child of an element of MathML. */
export interface FormulaPart {
  readonly before: string;
  readonly after: string;
  /** Whether a child of several parts is put in brackets. */
  readonly isOperand: boolean;
}

const PLAIN: FormulaPart = { before: '', after: '', isOperand: false };
const OPERAND: FormulaPart = { before: '', after: '', isOperand: true };
const SUB: FormulaPart = { before: '<sub>', after: '</sub>', isOperand: false };
const SUP: FormulaPart = { before: '<sup>', after: '</sup>', isOperand: false };

/** The children of an element in their order; the last one stands for all that follow. */
const CHILDREN: ReadonlyMap<string, readonly FormulaPart[]> = new Map([
  ['mfrac', [OPERAND, { before: '/', after: '', isOperand: true }]],
  ['msup', [OPERAND, SUP]],
  ['msub', [OPERAND, SUB]],
  ['msubsup', [OPERAND, SUB, SUP]],
  ['mover', [PLAIN, SUP]],
  ['munder', [PLAIN, SUB]],
  ['munderover', [PLAIN, SUB, SUP]],
  ['mroot', [OPERAND, { before: '<sup>1/', after: '</sup>', isOperand: false }]],
  ['mfenced', [PLAIN, { before: ',', after: '', isOperand: false }]],
  ['mtr', [PLAIN, { before: ' ', after: '', isOperand: false }]],
  ['mtable', [PLAIN, { before: '; ', after: '', isOperand: false }]],
]);

/** How the child with this index stands in its parent. */
export function formulaPart(parent: string, index: number): FormulaPart {
  const parts = CHILDREN.get(parent);
  return parts?.[Math.min(index, parts.length - 1)] ?? PLAIN;
}

/** What is written around all children of an element. */
export const FORMULA_FENCES: ReadonlyMap<string, readonly [string, string]> = new Map([
  ['msqrt', ['√(', ')']],
  ['mfenced', ['(', ')']],
]);
