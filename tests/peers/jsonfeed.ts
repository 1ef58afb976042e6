/** Everything in a value that its rule forbids, each problem with its JSON path. */
type Rule = (value: unknown, path: string) => readonly string[];

type Members = Readonly<Record<string, Rule>>;

/**
 * What is wrong with a text as a JSON Feed 1.1 (https://www.jsonfeed.org/version/1.1/): an empty list when it is one.
 * There is no official schema, and the community's pass over formats, extension names and repeated ids. Stricter than
 * the specification in one thing: a member it does not define is a problem unless it is an extension, since ours would
 * be a misspelling.
 */
export function jsonFeedProblems(text: string): readonly string[] {
  try {
    return feed(JSON.parse(text), '$');
  } catch (error) {
    return [`$: not JSON: ${error}`];
  }
}

const anyText: Rule = (value, path) => {
  if (typeof value !== 'string') return [`${path}: must be a string, is ${nameOf(value)}`];
  if (!value.isWellFormed()) return [`${path}: has half a surrogate pair`];
  return [];
};

const someText: Rule = (value, path) => (value === '' ? [`${path}: is empty`] : anyText(value, path));

const boolean: Rule = (value, path) =>
  typeof value === 'boolean' ? [] : [`${path}: must be true or false, is ${nameOf(value)}`];

const quantity: Rule = (value, path) =>
  typeof value === 'number' && value >= 0 ? [] : [`${path}: must be a number that is not negative`];

const version = text(
  'must be "https://jsonfeed.org/version/1.1"',
  (value) => value === 'https://jsonfeed.org/version/1.1',
);

const url = text('must be an absolute URL', (value) => URL.canParse(value) && !/\s/.test(value));

const date = text('must be a date and time as in RFC 3339', isRfc3339);

const language = text('must be a language tag as in RFC 5646', isLanguageTag);

const mediaType = text('must be a media type', (value) => /^[\w!#$&^.+-]+\/[\w!#$&^.+-]+(;.*)?$/.test(value));

const author: Rule = (value, path) => {
  const problems = object({ name: someText, url, avatar: url })(value, path);
  return isObject(value) && !['name', 'url', 'avatar'].some((name) => name in value)
    ? [...problems, `${path}: needs a name, url or avatar`]
    : problems;
};

const attachment = object(
  { url, mime_type: mediaType, title: someText, size_in_bytes: quantity, duration_in_seconds: quantity },
  ['url', 'mime_type'],
);

const item: Rule = (value, path) => {
  const problems = object(
    {
      id: someText,
      url,
      external_url: url,
      title: someText,
      content_html: anyText,
      content_text: anyText,
      summary: someText,
      image: url,
      banner_image: url,
      date_published: date,
      date_modified: date,
      author,
      authors: list(author),
      tags: list(someText),
      language,
      attachments: list(attachment),
    },
    ['id'],
  )(value, path);
  const hasContent = !isObject(value) || 'content_html' in value || 'content_text' in value;
  return hasContent ? problems : [...problems, `${path}: needs content_html or content_text`];
};

const feed: Rule = (value, path) => {
  const problems = object(
    {
      version,
      title: someText,
      home_page_url: url,
      feed_url: url,
      description: someText,
      user_comment: someText,
      next_url: url,
      icon: url,
      favicon: url,
      author,
      authors: list(author),
      language,
      expired: boolean,
      hubs: list(object({ type: someText, url }, ['type', 'url'])),
      items: list(item),
    },
    ['version', 'title', 'items'],
  )(value, path);
  if (!isObject(value)) return problems;
  const loop = value.next_url !== undefined && value.next_url === value.feed_url;
  return [
    ...problems,
    ...(loop ? [`${path}.next_url: must not be the feed_url`] : []),
    ...repeatedIds(value.items, `${path}.items`),
  ];
};

function repeatedIds(items: unknown, path: string): readonly string[] {
  if (!Array.isArray(items)) return [];
  const ids = items.map((each: unknown) => (isObject(each) ? each.id : undefined));
  return ids.flatMap((id, index) =>
    id !== undefined && ids.indexOf(id) < index
      ? [`${path}[${index}].id: repeats the id of items[${ids.indexOf(id)}]`]
      : [],
  );
}

function text(rule: string, holds: (value: string) => boolean): Rule {
  return (value, path) => {
    const problems = anyText(value, path);
    if (problems.length > 0 || typeof value !== 'string' || holds(value)) return problems;
    return [`${path}: ${rule}, is ${JSON.stringify(value)}`];
  };
}

function list(rule: Rule): Rule {
  return (value, path) => {
    if (!Array.isArray(value)) return [`${path}: must be an array, is ${nameOf(value)}`];
    return value.flatMap((each: unknown, index) => rule(each, `${path}[${index}]`));
  };
}

function object(members: Members, required: readonly string[] = []): Rule {
  return (value, path) => {
    if (!isObject(value)) return [`${path}: must be an object, is ${nameOf(value)}`];
    const missing = required.filter((name) => !(name in value)).map((name) => `${path}.${name}: is missing`);
    return [
      ...missing,
      ...Object.entries(value).flatMap(([name, member]) => (members[name] ?? extension)(member, `${path}.${name}`)),
    ];
  };
}

/** "Names must start with an _ character followed by a letter", hold an object, and contain no full stop. */
function extension(value: unknown, path: string): readonly string[] {
  const name = path.slice(path.lastIndexOf('.') + 1);
  if (!/^_\p{L}/u.test(name)) return [`${path}: is not a member that JSON Feed defines`];
  if (!isObject(value)) return [`${path}: an extension must be an object, is ${nameOf(value)}`];
  return Object.keys(value).flatMap((key) =>
    /^_|\./.test(key) ? [`${path}.${key}: a member of an extension must not start with _ or contain a full stop`] : [],
  );
}

function isRfc3339(value: string): boolean {
  const parts = /^(\d{4}-\d\d-\d\d)[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/.exec(value);
  if (parts === null || Number.isNaN(Date.parse(value))) return false;
  // Date.parse takes the 30th of February for the 2nd of March.
  return new Date(`${parts[1]}T00:00:00Z`).toISOString().startsWith(`${parts[1]}`);
}

function isLanguageTag(value: string): boolean {
  try {
    return Intl.getCanonicalLocales(value).length === 1;
  } catch {
    return false;
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function nameOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  return isObject(value) ? 'an object' : `a ${typeof value}`;
}
