/**
 * The rules of IPTC's published schemas that our items use: ninjs-schema_3.1.json and ninjs-schema_2.2.json. Both allow no
 * property that they do not name. The schemas themselves are on the web (iptc.org/std/ninjs).
 */

type Check = (value: unknown) => boolean;
type Shape = { readonly [name: string]: Check };

const text: Check = (value) => typeof value === 'string';
const uri: Check = (value) => typeof value === 'string' && URL.canParse(value) && /^[\x21-\x7e]+$/.test(value);
const date: Check = (value) =>
  typeof value === 'string' && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/.test(value);
const integer: Check = Number.isInteger;
const number: Check = (value) => typeof value === 'number';
const oneOf =
  (...names: readonly string[]): Check =>
  (value) =>
    typeof value === 'string' && names.includes(value);
const listOf =
  (shape: Shape, ...required: readonly string[]): Check =>
  (value) =>
    Array.isArray(value) && value.every((each) => isOf(each, shape, required));

function isOf(value: unknown, shape: Shape, required: readonly string[]): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return (
    required.every((name) => Object.hasOwn(value, name)) &&
    Object.entries(value).every(([name, inner]) => Object.hasOwn(shape, name) && shape[name]?.(inner))
  );
}

const TYPES = ['text', 'audio', 'video', 'picture', 'graphic', 'composite', 'component'];

const NAMED: Shape = { name: text, rel: text, uri, literal: text };
const SOURCES = listOf({ name: text, role: text, uri, literal: text });

/** What both schemas have alike. */
const COMMON: Shape = {
  uri,
  version: text,
  language: text,
  by: text,
  people: listOf(NAMED),
  subjects: listOf({ ...NAMED, creator: text, relevance: integer, confidence: integer }),
  standard: (value) => isOf(value, { name: text, version: text, schema: uri }, []),
  expires: date,
};

const NINJS_3_1: Shape = {
  ...COMMON,
  type: oneOf(...TYPES, 'event', 'planning'),
  representationType: oneOf('full', 'partial'),
  firstCreated: date,
  versionCreated: date,
  contentCreated: date,
  pubStatus: oneOf('usable', 'withheld', 'canceled'),
  urgency: (value) => typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= 9,
  copyrightHolder: text,
  copyrightNotice: text,
  usageTerms: text,
  edNote: text,
  descriptions: listOf({ role: text, contentType: text, value: text }, 'value'),
  bodies: listOf({ role: text, contentType: text, charCount: integer, wordCount: integer, value: text }, 'value'),
  headlines: listOf({ role: text, contentType: text, value: text }, 'value'),
  infoSources: SOURCES,
  renditions: listOf(
    {
      name: text,
      href: uri,
      contentType: text,
      title: text,
      width: integer,
      height: integer,
      sizeInBytes: integer,
      duration: number,
    },
    'name',
  ),
  associations: (value) =>
    Array.isArray(value) && value.every((each) => isOf(each, { ...NINJS_3_1, name: text, rel: text }, ['name', 'uri'])),
  altIds: listOf({ role: text, value: text }),
  rightsInfo: (value) =>
    isOf(value, { langId: uri, linkedRights: uri, encodedRights: text }, []) &&
    ['linkedRights', 'encodedRights'].filter((name) => Object.hasOwn(Object(value), name)).length === 1,
};

const NINJS_2_2: Shape = {
  ...COMMON,
  type: oneOf(...TYPES),
  representationtype: oneOf('full', 'partial'),
  firstcreated: date,
  versioncreated: date,
  contentcreated: date,
  pubstatus: oneOf('usable', 'withheld', 'canceled'),
  urgency: number,
  copyrightholder: text,
  copyrightnotice: text,
  usageterms: text,
  ednote: text,
  descriptions: listOf({ role: text, contenttype: text, value: text }, 'value'),
  bodies: listOf({ role: text, contenttype: text, charcount: number, wordcount: number, value: text }, 'value'),
  headlines: listOf({ role: text, contenttype: text, value: text }, 'value'),
  infosources: SOURCES,
  renditions: listOf(
    {
      name: text,
      href: uri,
      contenttype: text,
      title: text,
      height: number,
      width: number,
      sizeinbytes: number,
      duration: number,
      format: text,
    },
    'name',
  ),
  associations: (value) =>
    Array.isArray(value) && value.every((each) => isOf(each, { ...NINJS_2_2, name: text }, ['name', 'uri'])),
  altids: listOf({ role: text, value: text }),
  rightsinfo: (value) => isOf(value, { langid: uri, linkedrights: uri, encodedrights: text }, []),
};

/** The properties of an item that break a rule; `uri` where it is missing. */
export function ninjsBreaches(item: Readonly<Record<string, unknown>>, version: '3.1' | '2.2'): string[] {
  const shape = version === '3.1' ? NINJS_3_1 : NINJS_2_2;
  const broken = Object.entries(item).filter(([name, value]) => !Object.hasOwn(shape, name) || !shape[name]?.(value));
  return [...broken.map(([name]) => name), ...(Object.hasOwn(item, 'uri') ? [] : ['uri'])];
}
