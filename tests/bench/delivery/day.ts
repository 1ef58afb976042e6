import { setTimeout as sleep } from 'node:timers/promises';
import type { Bench } from '../delivery.ts';
import { figure, print, printTable } from '../figures.ts';
import { copySample, PATH, type SampleRecord, sampleRecords } from '../sample.ts';
import { putNew, type Service, withService, writerOf } from '../service.ts';

const POLLS = 48;
const STORIES = 10;
/** Milliseconds in which the best compression is made after a change, which others asked for before. */
const SETTLED = 700;

interface Reader {
  readonly name: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly sendsTag: boolean;
  etag: string | undefined;
  bodies: number;
  heads: number;
  readonly statuses: Map<number, number>;
}

/** Bytes that readers receive in a day of asking every half hour, while stories appear; they know yesterday's feed. */
export async function day({ folder }: Bench): Promise<void> {
  const stories = (await sampleRecords())
    .filter(isPlain)
    .toSorted((a, b) => dateOf(b) - dateOf(a))
    .slice(0, STORIES);
  const data = await copySample(
    folder,
    stories.map(({ path }) => path),
  );
  const readers = [
    reader('identity, no validators', { 'Accept-Encoding': 'identity' }, false),
    reader('gzip and ETag', { 'Accept-Encoding': 'gzip' }),
    reader('br and ETag', { 'Accept-Encoding': 'br' }),
    reader('delta, gzip', { 'Accept-Encoding': 'gzip', 'A-IM': 'feed' }),
    reader('delta, br', { 'Accept-Encoding': 'br', 'A-IM': 'feed' }),
  ];
  const length = await withService(data, (service) => pollForADay(service, data, { readers, stories }));
  print(`\nA day: ${POLLS} polls while ${STORIES} stories appear in a feed of ${kilobytes(length)} kB; kB received`);
  printTable([
    ['', '200', '226', '304', 'bodies', 'heads', 'asked of bodies'],
    ...readers.map(({ name, bodies, heads, statuses }) => [
      name,
      ...[200, 226, 304].map((status) => figure(statuses.get(status) ?? 0)),
      ...(name.startsWith('delta') && !statuses.has(226) ? ['–', '–'] : [kilobytes(bodies), kilobytes(heads)]),
      name === 'gzip and ETag' ? '650' : name === 'delta, gzip' ? '30' : '',
    ]),
  ]);
}

/** Such as any day has: without a time at which it comes or goes. */
function isPlain({ record }: SampleRecord): boolean {
  return ['embargoUntil', 'expiresAt', 'withdrawn', 'publicId'].every((field) => !(field in record));
}

function dateOf({ record }: SampleRecord): number {
  return Date.parse(String(record.publishedAt));
}

function reader(name: string, headers: Reader['headers'], sendsTag = true): Reader {
  return { name, headers, sendsTag, etag: undefined, bodies: 0, heads: 0, statuses: new Map() };
}

async function pollForADay(
  service: Service,
  data: string,
  { readers, stories }: { readonly readers: readonly Reader[]; readonly stories: readonly SampleRecord[] },
): Promise<number> {
  const writer = await writerOf(data);
  for (const one of readers) one.etag = (await service.ask(PATH, { headers: one.headers })).headers.etag;
  let appeared = 0;
  for (let number = 0; number < POLLS; number += 1) {
    const story = stories[appeared];
    if (story !== undefined && number >= (appeared * POLLS) / STORIES) {
      appeared += 1;
      const publishedAt = new Date(Date.now() - (STORIES - appeared) * 1000).toISOString();
      await putNew(service, writer, {
        ...story.record,
        id: `day-${appeared}`,
        publishedAt,
        updatedAt: undefined,
      });
      for (const { headers } of readers) await service.ask(PATH, { headers });
      await sleep(SETTLED);
    }
    for (const one of readers) await poll(service, one);
  }
  return (await service.ask(PATH)).body.length;
}

async function poll({ ask }: Service, one: Reader): Promise<void> {
  const condition = one.sendsTag && one.etag !== undefined ? { 'If-None-Match': one.etag } : {};
  const { status, headers, body, received } = await ask(PATH, { headers: { ...one.headers, ...condition } });
  one.statuses.set(status, (one.statuses.get(status) ?? 0) + 1);
  one.etag = headers.etag ?? one.etag;
  one.bodies += body.length;
  one.heads += received - body.length;
}

function kilobytes(bytes: number): string {
  return figure(bytes / 1000);
}
