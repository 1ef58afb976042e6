/** What an element's own attributes say about how it is shown. The sanitizer removes them. */
import type { Attributes } from './addresses.ts';

const DECLARATION = /(?:^|;)\s*(display|visibility|float|text-decoration(?:-line)?)\s*:\s*([^;]*)/gi;

/** Whether the text of a `style` attribute, before its references are decoded, may hold a declaration that counts here. */
export function mayMatter(style: string, isVoid = false): boolean {
  return (isVoid ? /display|visibility|&|\/\*/i : /display|visibility|float|line-through|&|\/\*/i).test(style);
}

/** Whether the element is hidden by `hidden` or by its own style. */
export function isHidden({ hidden, style }: Attributes): boolean {
  const declared = declarations(style);
  const display = declared.get('display');
  if (display === 'none' || /^(?:hidden|collapse)$/.test(declared.get('visibility') ?? '')) return true;
  return hidden !== undefined && display === undefined; // a declaration of the author's goes before the browser's
}

/** Whether the element's own style strikes its text out. */
export function isStruckOut({ style }: Attributes): boolean {
  const declared = declarations(style);
  return /\bline-through\b/.test(`${declared.get('text-decoration')} ${declared.get('text-decoration-line')}`);
}

/** What the element's own style puts between its content and what is before and after it. */
export function edgeOf({ style }: Attributes): 'line' | 'space' | undefined {
  const declared = declarations(style);
  if (/^(?:block|flex|grid|table|list-item|flow-root)$/.test(declared.get('display') ?? '')) return 'line';
  return /^(?:left|right)$/.test(declared.get('float') ?? '') ? 'space' : undefined;
}

/** The values of the declarations that matter here, in lower case. Of two with one name the last counts. */
function declarations(style: string | undefined): ReadonlyMap<string, string> {
  const declared = new Map<string, string>();
  if (style === undefined || !mayMatter(style)) return declared;
  const withoutComments = style.replace(/\/\*.*?(?:\*\/|$)/gs, '');
  const important = new Set<string>();
  for (const [, property = '', value = ''] of withoutComments.matchAll(DECLARATION)) {
    const name = property.toLowerCase();
    const [plain = '', ...rest] = value.toLowerCase().split('!');
    if (important.has(name) && rest.length === 0) continue;
    if (rest.length > 0) important.add(name);
    declared.set(name, plain.trim());
  }
  return declared;
}
