import { expect, test } from 'vitest';
import { dataFolder, record } from '../helpers.ts';
import { type Api, clientOf, NOW } from './api.ts';
import { askPartner, partnerKeys } from './partners.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const iso = (moment: number) => new Date(moment).toISOString();
const atom = (fields: object) => JSON.stringify({ dialect: 'plain', feeds: ['latest'], ...fields });

/** Partners without a delay, one with a delay, and one whose documents soon forget what was withdrawn. */
const PARTNERS = {
  wire: atom({ name: 'Wire' }),
  away: atom({ name: 'Away' }),
  late: atom({ name: 'Late', delay: { minutes: 30 } }),
  brief: atom({ name: 'Brief', retention: { minutes: 30 } }),
};
type Name = keyof typeof PARTNERS;
const NAMES = Object.keys(PARTNERS) as Name[];

interface Clock {
  now: number;
}

async function publishing(clock: Clock) {
  const files = Object.entries(PARTNERS).map(([name, file]) => [`partners/${name}.yaml`, file]);
  const folder = await dataFolder({ 'articles/.keep': '', ...Object.fromEntries(files) });
  const keys = await partnerKeys(folder, NAMES);
  const api = await clientOf(folder, { now: () => clock.now });
  const ask = (partner: Name, path: string) => askPartner(api.port, `${partner}/${path}`, keys.get(partner)?.key ?? '');
  const cursors = new Map<Name, string>();
  return {
    api,
    /** What a partner's Atom feed has: each story with its id, and a withdrawn one behind a minus. */
    async document(partner: Name): Promise<string> {
      const { text } = await ask(partner, 'latest.atom');
      const withdrawn = [...text.matchAll(/<at:deleted-entry [^>]*2026:(\w+)"/g)].map(([, id]) => `-${id}`);
      return [...text.matchAll(/<id>tag:[^<]*2026:(\w+)<\/id>/g)]
        .map(([, id]) => id)
        .concat(withdrawn)
        .sort()
        .join(' ');
    },
    /** What a partner learns from the change feed since its last visit. */
    async news(partner: Name): Promise<string> {
      const since = cursors.get(partner);
      const { text } = await ask(partner, `changes${since === undefined ? '' : `?since=${since}`}`);
      const { items, cursor } = JSON.parse(text);
      cursors.set(partner, cursor);
      return items
        .map(({ change, id }: { change: string; id: string }) => (change === 'withdrawn' ? '-' : '') + id.slice(-1))
        .sort()
        .join(' ');
    },
  };
}

async function publish(api: Api, id: string, at: number): Promise<void> {
  const { status } = await api.put(`/${id}`, { body: record({ id, url: `/${id}`, publishedAt: iso(at) }) });
  expect(status).toBe(201);
}

test('a clock that is set back, or forward, shows nothing before its time, and loses no change', async () => {
  const clock = { now: NOW };
  const { api, document, news } = await publishing(clock);
  const look = async () => ({
    wire: [await document('wire'), await news('wire')],
    late: [await document('late'), await news('late')],
    brief: await document('brief'),
  });
  await publish(api, 'a', NOW - 5 * HOUR);
  await publish(api, 'b', NOW - 40 * MINUTE);
  await publish(api, 'c', NOW - 10 * MINUTE);
  expect(await look()).toEqual({ wire: ['a b c', 'a b c'], late: ['a b', 'a b'], brief: 'a b c' });

  expect(await news('away')).toBe('a b c');

  clock.now += MINUTE;
  expect((await api.remove('/a')).status).toBe(200);
  expect(await look()).toEqual({ wire: ['-a b c', '-a'], late: ['-a b', '-a'], brief: '-a b c' });

  // An hour earlier, nothing of the last hour has happened. The withdrawn story does not come again.
  clock.now -= HOUR;
  expect(await look()).toEqual({ wire: ['', ''], late: ['', ''], brief: '' });
  const whileBack = await news('away');
  await publish(api, 'd', NOW - 70 * MINUTE);
  expect(await look()).toEqual({ wire: ['d', 'd'], late: ['', ''], brief: 'd' });

  clock.now = NOW - 40 * MINUTE - 1;
  expect(await look()).toEqual({ wire: ['d', ''], late: ['', ''], brief: 'd' });
  clock.now += 1;
  expect(await look()).toEqual({ wire: ['b d', 'b'], late: ['d', 'd'], brief: 'b d' });

  // As late as it is in truth, each partner has what it had before, and what came in between.
  clock.now = NOW + 2 * MINUTE;
  expect(await look()).toEqual({
    wire: ['-a b c d', 'c'],
    late: ['-a b d', 'b'],
    brief: '-a b c d',
  });

  expect(`${whileBack} ${await news('away')}`.split(' ')).toContain('-a');

  // An hour later, holdbacks and retentions are over.
  clock.now += HOUR;
  expect(await look()).toEqual({ wire: ['-a b c d', ''], late: ['-a b c d', 'c'], brief: 'b c d' });

  clock.now -= HOUR;
  await publish(api, 'e', NOW + MINUTE);
  const late = await document('late');
  expect([await document('brief'), late]).toEqual(['-a b c d e', '-a b d']);
  expect([await news('wire'), await news('late')]).toEqual(['e', '']);
  clock.now = NOW + 31 * MINUTE - 1;
  expect([await document('late'), await news('late')]).toEqual(['-a b c d', 'c']);
  clock.now += 1;
  expect([await document('late'), await news('late')]).toEqual(['-a b c d e', 'e']);
});

test('a withdrawal reaches a partner that asks only while the clock is behind, whatever it has seen before', async () => {
  const clock = { now: NOW };
  const { api, news } = await publishing(clock);
  await publish(api, 'a', NOW - 10 * MINUTE);
  expect(await news('away')).toBe('a');
  clock.now += MINUTE;
  expect((await api.remove('/a')).status).toBe(200);
  clock.now -= HOUR;
  const whileBack = await news('away');
  clock.now = NOW + 2 * MINUTE;
  expect([whileBack, await news('away')]).toContain('-a');
});
