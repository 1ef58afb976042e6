import { z } from 'zod';
import type { Problem } from '../errors.ts';
import { email, object, oneOf, singleLine, webAddress } from '../lib/fields.ts';
import { omitUndefined } from '../lib/omit-undefined.ts';
import { isPaid, PAID, type Terms, UNPAID, USES } from '../terms/terms.ts';

const ON = new Set<unknown>([true, 'yes', 'on', 'true']);
const OFF = new Set<unknown>([false, 'no', 'off', 'false']);

/** YAML 1.1 and many people write true and false for yes and no. */
const permission = z
  .preprocess((value) => (value === true ? 'yes' : value === false ? 'no' : value), oneOf(['yes', 'no', 'ask']))
  .meta({ orElse: [{ type: 'boolean' }] })
  .optional();

const flag = z
  .preprocess(
    (value) => (ON.has(value) ? true : OFF.has(value) ? false : value),
    z.boolean({ error: 'must be yes or no' }),
  )
  .meta({ orElse: [{ enum: [...ON, ...OFF].filter((word) => typeof word === 'string') }] })
  .default(false);

const AMOUNT_RULE = 'must be an amount above 0, as 0.015';
const AMOUNT = /^\d{1,12}(?:\.\d{1,6})?$/;
const amount = z
  .string({ error: AMOUNT_RULE })
  .refine((value) => AMOUNT.test(value) && Number(value) > 0, { error: AMOUNT_RULE })
  .meta({ pattern: AMOUNT.source, patternErrorMessage: AMOUNT_RULE });

const CURRENCY_RULE = 'must be the code of a currency, as EUR (ISO 4217)';
const currency = z
  .string({ error: CURRENCY_RULE })
  .transform((value, context) => {
    const code = value.toUpperCase();
    if (Intl.supportedValuesOf('currency').includes(code)) return code;
    context.addIssue({ code: 'custom', message: CURRENCY_RULE });
    return z.NEVER;
  })
  .meta({ pattern: '^[A-Za-z]{3}$', patternErrorMessage: CURRENCY_RULE });

const contact = object({
  name: singleLine(200).optional(),
  email: email.optional(),
  url: webAddress().optional(),
});

const payment = object({
  type: oneOf([...UNPAID, ...PAID]),
  amount: amount.optional(),
  currency: currency.optional(),
  standard: webAddress().optional(),
});

const license = z
  .preprocess(
    (value) => (typeof value === 'string' ? { url: value } : value),
    object({ url: webAddress(), name: singleLine(200).optional() }),
  )
  .meta({ orElse: [{ type: 'string' }] });

/** The field `terms`, without the rules of `termsProblems`. */
export const terms = object({
  license: license.optional(),
  search: permission,
  aiAnswers: permission,
  aiTraining: permission,
  dataMining: permission,
  contact: contact.optional(),
  payment: payment.optional(),
  contentUsage: flag,
});

/** What the parser of the field `terms` returns. */
type Parsed = z.output<typeof terms>;
type Report = (field: string, rule: string) => void;

/** The problems of fields that do not go together. */
export function termsProblems({ license: other, terms: parsed }: { license?: string; terms?: Parsed }): Problem[] {
  if (parsed === undefined) return [];
  const problems: Problem[] = [];
  const report: Report = (field, rule) => problems.push({ field, rule });
  checkUses(parsed, report);
  checkPayment(parsed, report);
  const own = parsed.license?.url;
  if (own !== undefined && other !== undefined && own !== other)
    report('license', 'differs from the address in terms.license: keep one of them');
  return problems;
}

function checkUses(value: Parsed, report: Report): void {
  const { license: own, contact: asked } = value;
  const stated = USES.filter((use) => value[use] !== undefined);
  const first = stated.find((use) => value[use] === 'ask');
  if (stated.length === 0 && own === undefined) report('terms', `says nothing: set license, ${USES.join(', ')}`);
  if (first !== undefined && asked?.email === undefined && asked?.url === undefined)
    report(`terms.${first}`, 'needs somebody to ask: set terms.contact, with email or url');
}

function checkPayment(value: Parsed, report: Report): void {
  if (value.payment === undefined) return;
  const { amount: sum, currency: unit } = value.payment;
  const uses = USES.join(', ');
  if (isPaid(value.payment)) {
    if (!USES.some((use) => value[use] === 'ask'))
      report('terms.payment.type', `is for uses that machines have to ask for: set ${uses} to ask`);
  } else {
    if (!USES.some((use) => value[use] === 'yes' || value[use] === 'ask'))
      report('terms.payment.type', `is for uses that are allowed: set ${uses} to yes or ask`);
    if (sum !== undefined) report('terms.payment.amount', `is for the types ${PAID.join(', ')}`);
  }
  if (sum !== undefined && unit === undefined) report('terms.payment.amount', 'needs terms.payment.currency, as EUR');
  if (sum === undefined && unit !== undefined) report('terms.payment.currency', 'needs terms.payment.amount');
}

/** @param url the field `license` of the publication, where the terms name no licence */
export function termsOf(parsed: Parsed, url: string | undefined): Terms {
  const { license: own = url === undefined ? undefined : { url } } = parsed;
  return omitUndefined({
    ...parsed,
    license: own && omitUndefined(own),
    contact: parsed.contact && omitUndefined(parsed.contact),
    payment: parsed.payment && omitUndefined(parsed.payment),
  });
}
