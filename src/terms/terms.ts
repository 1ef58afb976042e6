/** What machines may do with the text. */
export const USES = ['search', 'aiAnswers', 'aiTraining', 'dataMining'] as const;
export type Use = (typeof USES)[number];

/** `ask`: only with a licence of the newsroom. */
export type Permission = 'yes' | 'no' | 'ask';

/** Payments in money. They are for uses that machines have to ask for. */
export const PAID = ['purchase', 'subscription', 'training', 'crawl', 'use'] as const;
export const UNPAID = ['free', 'attribution', 'contribution'] as const;

export interface Payment {
  readonly type: (typeof PAID)[number] | (typeof UNPAID)[number];
  /** A decimal number, as it is written. */
  readonly amount?: string;
  /** Of ISO 4217. */
  readonly currency?: string;
  /** The address of a licence framework that several publishers share. */
  readonly standard?: string;
}

/** The terms of the publication for machines, as the operator wrote them. What is missing is not said. */
export interface Terms extends Readonly<Partial<Record<Use, Permission>>> {
  readonly license?: { readonly url: string; readonly name?: string };
  /** Whom to ask for a licence: always known where a use is `ask`. */
  readonly contact?: { readonly name?: string; readonly email?: string; readonly url?: string };
  readonly payment?: Payment;
  /** Whether answers have the header Content-Usage, which is still a draft. */
  readonly contentUsage: boolean;
}

export function isPaid({ type }: Pick<Payment, 'type'>): boolean {
  return PAID.some((paid) => paid === type);
}
