import { raw, html as template } from 'hono/html';
import { escapeHtml } from '../lib/text.ts';

/** Text that is HTML: it is not escaped again. */
export type Html = ReturnType<typeof raw>;

/** A value in a template: texts are escaped, `false` and `undefined` give nothing, lists give their members. */
export type Part = string | number | false | undefined | Html | readonly Part[];

/** A template of HTML that escapes its values. Without promises among them, the template is no promise either. */
export function html(strings: TemplateStringsArray, ...values: readonly Part[]): Html {
  return template(strings, ...values) as Html;
}

/** HTML that was built by other means: never for a text of somebody. */
export const trusted: (text: string) => Html = raw;

/** Attributes with their values, each behind a space; those without a value are left out. */
export function attributes(values: Readonly<Record<string, string | undefined>>): Html {
  const set = Object.entries(values).filter(([, value]) => value !== undefined);
  return raw(set.map(([name, value = '']) => (value === '' ? ` ${name}` : ` ${name}="${escapeHtml(value)}"`)).join(''));
}
