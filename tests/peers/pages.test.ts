// @module-tag soak
import { describe, expect } from 'vitest';
import { dataFolder, PUBLICATION, record, start } from '../helpers.ts';
import { keyFor } from '../http/api.ts';
import { sized } from '../soak/sizes.ts';
import { evaluate } from './chromium.ts';
import { servePages } from './page-server.ts';
import { peerTest } from './programs.ts';

/** Serves a page from another origin than the service's, as a web reader is. */
async function servePage(body: string): Promise<string> {
  const page = `<!DOCTYPE html><html lang="en" dir="ltr"><meta charset="utf-8"><body>${body}</body></html>`;
  return servePages(() => page);
}

/** Publishes the story, and returns the value of the expression in a page with this body. `feed` holds the feed's address. */
async function inReader(story: Readonly<Record<string, unknown>>, body: string, expression: string): Promise<unknown> {
  const { port } = await start(await dataFolder({ 'articles/a.json': JSON.stringify(record(story)) }));
  const feed = `http://127.0.0.1:${port}/feeds/latest.json`;
  return evaluate(await servePage(body), `(async (feed) => {${expression}})(${JSON.stringify(feed)})`);
}

/** For each list, the words of the published title from left to right, as they stand on the screen. */
const wordsFromTheLeft = `
  const { items } = await (await fetch(feed)).json();
  const lists = [...document.querySelectorAll('li')].map((list) => {
    list.textContent = items[0].title;
    const text = list.firstChild;
    const words = [...text.data.matchAll(/[\\p{L}\\p{M}\\p{N}]+/gu)].map((match) => {
      const range = document.createRange();
      range.setStart(text, match.index);
      range.setEnd(text, match.index + match[0].length);
      return { word: match[0], left: range.getBoundingClientRect().left };
    });
    words.sort((one, other) => one.left - other.left);
    return [list.dir, words.map(({ word }) => word).join(' ')];
  });
  return Object.fromEntries(lists);
`;

/** Titles as an editor writes them, and their words from left to right as a newspaper would print them. */
const titles = [
  {
    name: 'Sorani that begins with a Latin word',
    language: 'ckb',
    title: 'Solar 2030: سەربانەکانی هەڵەبجە چەند کارەبا بەرهەم دەهێنن؟',
    printed: 'دەهێنن بەرهەم کارەبا چەند هەڵەبجە سەربانەکانی Solar 2030',
  },
  {
    name: 'Arabic with an acronym and a number',
    language: 'ar',
    title: 'مشروع GIS يرسم 1240 بئرًا في سهل نينوى',
    printed: 'نينوى سهل في بئرًا 1240 يرسم GIS مشروع',
  },
  {
    name: 'Arabic that ends with a Latin name',
    language: 'ar',
    title: 'خريطة الآبار كما ترسمها Open Water',
    printed: 'Open Water ترسمها كما الآبار خريطة',
  },
  {
    name: 'English with an Arabic word',
    language: 'en',
    title: 'On “صوت النهر”, a radio hour in which nobody says a word',
    printed: 'On النهر صوت a radio hour in which nobody says a word',
  },
  {
    name: 'English that begins with an Arabic word',
    language: 'en',
    title: 'كوليرا: what the word means in Aleppo',
    printed: 'كوليرا what the word means in Aleppo',
  },
  {
    name: 'Arabic that begins with a number',
    language: 'ar',
    title: '1240 بئرًا في سهل نينوى',
    printed: 'نينوى سهل في بئرًا 1240',
  },
  {
    name: 'Turkish that begins with a number',
    language: 'tr',
    title: '23 yıl sonra tren tam vaktinde',
    printed: '23 yıl sonra tren tam vaktinde',
  },
];

describe('a title keeps its words in order in a list that takes the direction of each title', () => {
  const lists = '<ul><li dir="auto"></li></ul>';
  // A browser starts for each title.
  const some = titles.filter((_, index) => index % 4 === 0);
  for (const { name, language, title, printed } of sized({ short: some, soak: titles, full: titles })) {
    peerTest('chromium', name, async () => {
      const seen = await inReader({ title, language }, lists, wordsFromTheLeft);
      expect(seen).toEqual({ auto: printed });
    });
  }
});

peerTest('chromium', 'the body of a right-to-left article runs right to left in a left-to-right page', async () => {
  const story = { language: 'ckb', title: 'ئاو', body: '<p>یەکەم Solar 2030 دووەم.</p><ul><li>سێیەم</li></ul>' };
  const seen = await inReader(
    story,
    '<div id="entry" style="width: 600px"></div>',
    `const { items } = await (await fetch(feed)).json();
    const entry = document.querySelector('#entry');
    entry.innerHTML = items[0].content_html;
    const text = entry.querySelector('p').firstChild;
    const left = (word) => {
      const range = document.createRange();
      range.setStart(text, text.data.indexOf(word));
      range.setEnd(text, text.data.indexOf(word) + word.length);
      return range.getBoundingClientRect().left;
    };
    return {
      words: ['یەکەم', 'Solar', '2030', 'دووەم', '.'].sort((one, other) => left(one) - left(other)).join(' '),
      startsAtTheRight: left('یەکەم') > entry.getBoundingClientRect().left + 500,
      indentAtTheRight: getComputedStyle(entry.querySelector('ul')).paddingRight,
      language: entry.querySelector('p').closest('[lang]').lang,
    };`,
  );
  expect(seen).toEqual({
    words: '. دووەم Solar 2030 یەکەم',
    startsAtTheRight: true,
    indentAtTheRight: '40px',
    language: 'ckb',
  });
});

peerTest('chromium', 'a web page of another origin reads a feed, its tag, and its 304', async () => {
  const seen = await inReader(
    {},
    '',
    `const first = await fetch(feed);
    const { items } = await first.json();
    const etag = first.headers.get('ETag');
    const byTag = await fetch(feed, { headers: { 'If-None-Match': etag } });
    const date = first.headers.get('Last-Modified');
    const byDate = await fetch(feed, { headers: { 'If-Modified-Since': date } });
    return {
      origins: new URL(feed).origin !== location.origin,
      title: items[0].title,
      link: first.headers.get('Link').includes('rel="self"'),
      byTag: [byTag.status, byTag.headers.get('ETag') === etag],
      byDate: byDate.status,
    };`,
  );
  expect(seen).toEqual({ origins: true, title: 'A title', link: true, byTag: [304, true], byDate: 304 });
});

peerTest(
  'chromium',
  'a web page uses the API from an origin that is listed and from no other, and gets deltas',
  async () => {
    const page = await servePage('');
    const folders = [`origins: ["${new URL(page).origin}"]\n`, 'origins: ["https://cms.example"]\n'].map(
      async (origins) => {
        const folder = await dataFolder({
          'publication.yaml': `${PUBLICATION}${origins}`,
          'articles/a.json': JSON.stringify(record()),
        });
        const { key } = await keyFor(folder);
        return { base: `http://127.0.0.1:${(await start(folder)).port}`, key };
      },
    );
    const [listed, other] = await Promise.all(folders);
    const seen = await evaluate(
      page,
      `(async (listed, other, body) => {
      const api = (service, path, init = {}) => fetch(service.base + '/api/articles' + path, {
        ...init, headers: { Authorization: 'Bearer ' + service.key, 'Content-Type': 'application/json', ...init.headers },
      });
      const feed = listed.base + '/feeds/latest.json';
      const before = (await fetch(feed)).headers.get('ETag');
      const created = await api(listed, '/b', { method: 'PUT', body });
      const failed = await api(listed, '/b', { method: 'PUT', body, headers: { 'If-Match': '"99"' } });
      const bulk = await api(listed, '', { method: 'POST', body: body + '\\n{' });
      const delta = await fetch(feed, { cache: 'no-store', headers: { 'A-IM': 'feed', 'If-None-Match': before } });
      const after = delta.headers.get('ETag');
      const ids = (await delta.json()).items.map(({ title }) => title);
      const same = await fetch(feed, { cache: 'no-store', headers: { 'A-IM': 'feed', 'If-None-Match': after } });
      return {
        created: [created.status, /^"\\d+"$/.test(created.headers.get('ETag'))],
        failed: [failed.status, (await failed.json()).code],
        bulk: (await bulk.text()).trim().split('\\n').slice(0, 2).map((line) => JSON.parse(line).result),
        delta: [delta.status, delta.headers.get('IM'), ids],
        same: same.status,
        withdrawn: (await (await api(listed, '/b', { method: 'DELETE' })).json()).result,
        other: await api(other, '/b', { method: 'PUT', body }).then(() => 'answered', ({ name }) => name),
        otherRead: await api(other, '').then(() => 'answered', ({ name }) => name),
      };
    })(${[listed, other, JSON.stringify(record({ id: 'b', url: 'https://news.example/b', title: 'B' }))].map((value) => JSON.stringify(value)).join()})`,
    );
    expect(seen).toEqual({
      created: [201, true],
      failed: [412, 'precondition_failed'],
      bulk: ['unchanged', 'refused'],
      delta: [226, 'feed', ['B']],
      same: 304,
      withdrawn: 'withdrawn',
      other: 'TypeError',
      otherRead: 'TypeError',
    });
  },
);
