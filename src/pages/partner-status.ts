/** What `/partners` and `/partners/{id}` on the operator's port show, as JSON has it. Dates are RFC 3339. */
export type PartnersStatus = PartnerList | PartnerActivity;

/** Answers of the last 24 hours. */
export interface PartnerAnswers {
  /** With the status 200. */
  readonly documents: number;
  /** With the status 304. */
  readonly unchanged: number;
  readonly others: number;
}

export interface PartnerGlance {
  readonly id: string;
  readonly name: string;
  readonly dialect: string;
  /** The last request with a valid key; missing where there was none. */
  readonly lastSeen?: string;
  readonly answers: PartnerAnswers;
  /** Whether the partner has not come for longer than usual. */
  readonly isLate: boolean;
  /** Keys that were used from many networks within an hour. */
  readonly spreadKeys: number;
}

/** Some of all partners, in the order of their ids. */
export interface PartnerList {
  readonly kind: 'list';
  readonly at: string;
  readonly partners: readonly PartnerGlance[];
  /** How many there are. */
  readonly count: number;
  /** The last id on this page; missing on the last page. */
  readonly next?: string;
  readonly gaps: readonly RecordGap[];
}

/** A time in which nobody recorded deliveries. */
export interface RecordGap {
  readonly from: string;
  readonly to: string;
}

/** One partner. */
export interface PartnerActivity extends PartnerGlance {
  readonly kind: 'partner';
  readonly at: string;
  readonly feeds: readonly string[];
  readonly keys: readonly PartnerKey[];
  /** Newest first. */
  readonly deliveries: readonly PartnerDelivery[];
  /** Missing where the partner has come too seldom to say what is usual. */
  readonly rhythm?: {
    /** Milliseconds. */
    readonly usual: number;
    readonly limit: number;
    readonly pauses: readonly { readonly from: string; readonly to: string; readonly isOver: boolean }[];
  };
  readonly spread: readonly { readonly key: string; readonly networks: readonly string[]; readonly at: string }[];
  /** Stories that the rules of the dialect leave out now: the first of them. */
  readonly skipped: readonly SkippedEntry[];
  readonly skippedCount: number;
  /** What the partner has lost or should correct, newest first. */
  readonly withdrawals: readonly PartnerReceipt[];
  readonly gaps: readonly RecordGap[];
}

export interface PartnerKey {
  readonly id: string;
  readonly name: string;
  readonly lastUse?: string;
  readonly expires?: string;
  readonly isRevoked: boolean;
}

export interface PartnerDelivery {
  readonly at: string;
  readonly key: string;
  readonly feed: string;
  readonly format: string;
  readonly status: number;
  readonly bytes: number;
  readonly whole: boolean;
  readonly network: string;
}

export interface SkippedEntry {
  readonly article: string;
  readonly feed: string;
  readonly rule: string;
  readonly reason: string;
  readonly since: string;
}

export interface PartnerReceipt {
  readonly article: string;
  readonly title?: string;
  /** `withdrawn`, `expired`, `rights-ended` or `corrected`. */
  readonly ending: string;
  readonly at: string;
  /** `seen`, `not seen`, … */
  readonly state: string;
  /** When it was seen. */
  readonly seenAt?: string;
  readonly key?: string;
}
