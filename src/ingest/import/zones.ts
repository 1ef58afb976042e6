/** The zones of RFC 822 §5.1 and RFC 5322 §4.3, and further abbreviations with one common meaning. */
const ZONES: ReadonlyMap<string, string> = new Map(
  Object.entries({
    UT: 'Z',
    UTC: 'Z',
    GMT: 'Z',
    Z: 'Z',
    EST: '-05:00',
    EDT: '-04:00',
    CST: '-06:00',
    CDT: '-05:00',
    MST: '-07:00',
    MDT: '-06:00',
    PST: '-08:00',
    PDT: '-07:00',
    AKST: '-09:00',
    AKDT: '-08:00',
    HST: '-10:00',
    NST: '-03:30',
    NDT: '-02:30',
    WET: '+00:00',
    WEST: '+01:00',
    BST: '+01:00',
    CET: '+01:00',
    CEST: '+02:00',
    MEZ: '+01:00',
    MESZ: '+02:00',
    EET: '+02:00',
    EEST: '+03:00',
    MSK: '+03:00',
    TRT: '+03:00',
    WAT: '+01:00',
    CAT: '+02:00',
    SAST: '+02:00',
    EAT: '+03:00',
    PKT: '+05:00',
    WIB: '+07:00',
    HKT: '+08:00',
    SGT: '+08:00',
    AWST: '+08:00',
    JST: '+09:00',
    KST: '+09:00',
    ACST: '+09:30',
    ACDT: '+10:30',
    AEST: '+10:00',
    AEDT: '+11:00',
    NZST: '+12:00',
    NZDT: '+13:00',
  }),
);

/** A zone as an offset, and its name if the name is unknown. */
export interface Zone {
  readonly offset: string;
  readonly unknown?: string;
}

/**
 * Reads the zone of a date; undefined if the text is none. A date without a zone, or with a name whose meaning is not
 * known, is in UTC, and so are the single letters (RFC 5322 §4.3).
 */
export function readZone(text: string): Zone | undefined {
  const name = text.trim().toUpperCase();
  if (name === '') return { offset: 'Z' };
  const [, sign, hours = '', minutes = '00'] =
    /^(?:GMT|UTC?)?\s*([+-])(\d{1,2}):?(\d{2})?(?:\s+[A-Z]+)?$/.exec(name) ?? [];
  if (sign !== undefined) return { offset: `${sign}${hours.padStart(2, '0')}:${minutes}` };
  const offset = ZONES.get(name);
  if (offset !== undefined) return { offset };
  return /^[\p{L}][\p{L} ._/-]*$/u.test(name) ? { offset: 'Z', unknown: text.trim() } : undefined;
}
