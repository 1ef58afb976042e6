import { expect } from 'vitest';
import { PLAYERS } from '../../src/article/normalize/players.ts';
import { sanitizeBody } from '../../src/article/sanitize.ts';
import { linkTarget } from '../../src/lib/url.ts';
import { inPage } from './chromium.ts';
import { servePages } from './page-server.ts';
import { peerTest } from './programs.ts';

/** A player for each sandbox that the service gives. */
const ADDRESSES = [
  'https://www.youtube.com/embed/a',
  'https://www.dailymotion.com/embed/video/a',
  'https://w.soundcloud.com/player/?url=a',
  'https://embed.podcasts.apple.com/us/podcast/1',
  'https://datawrapper.dwcdn.net/a/1/',
];

/** Pixels of an iframe. */
const HEIGHT = 60;

/** The iframes as the service publishes them, from loopback pages of another origin than the reader's. */
function playersFrom(origin: string): string {
  return ADDRESSES.map((address, index) => {
    const html = `<iframe src="${address}" sandbox="allow-top-navigation" width="200" height="${HEIGHT}"></iframe>`;
    const clean = sanitizeBody(html, (reference) => linkTarget(reference, 'https://news.example/')) ?? '';
    return clean.replaceAll(/src="[^"]*"/g, `src="${origin}player/${index}"`);
  }).join('');
}

/**
 * A page that tries everything to lead the page around it away, when it is clicked, and then tells that page what it
 * could do. `away` is where it would lead it.
 */
function playerPage(name: string, away: string): string {
  return `<body style="margin:0"><button style="width:200px;height:${HEIGHT}px">Play</button><script>
    const away = (method) => ${JSON.stringify(away)} + 'away/' + ${JSON.stringify(name)} + '/' + method;
    const attempts = {
      location: () => { top.location = away('location'); },
      replace: () => { parent.location.replace(away('replace')); },
      open: () => { open(away('open'), '_top'); },
      link: () => { Object.assign(document.body.appendChild(document.createElement('a')), { href: away('link'), target: '_top' }).click(); },
      parentLink: () => { Object.assign(document.body.appendChild(document.createElement('a')), { href: away('parent'), target: '_parent' }).click(); },
      form: () => { Object.assign(document.body.appendChild(document.createElement('form')), { action: away('form'), target: '_top' }).submit(); },
      dialog: () => { if (name !== 'free') confirm('Away?'); },
    };
    const name = ${JSON.stringify(name)};
    document.querySelector('button').onclick = () => {
      localStorage.setItem('a', name);
      const popup = open('/popup');
      const can = { isOpen: popup !== null, storage: localStorage.getItem('a'), refused: [] };
      for (const [method, attempt] of Object.entries(attempts)) {
        try { attempt(); } catch { can.refused.push(method); }
      }
      onmessage = ({ data }) => { parent.postMessage({ name, ...can, popup: data }, '*'); };
    };
  </script>`;
}

/** A page that a player opens, which tries to lead the reader's page away as well. */
const POPUP = `<script>
  const player = opener;
  const refused = [];
  for (const [method, attempt] of Object.entries({
    top: () => { player.top.location = '/away/popup/top'; },
    parent: () => { player.parent.location = '/away/popup/parent'; },
    open: () => { player.open('/away/popup/open', '_top'); },
  })) try { attempt(); } catch { refused.push(method); }
  player.postMessage(refused, '*');
</script>`;

const READER = `
  window.reports = new Map();
  window.waiting = new Map();
  onmessage = ({ data }) => { reports.set(data.name, data); waiting.get(data.name)?.(); };
  window.reportOf = async (name) => {
    if (!reports.has(name)) await new Promise((resolve) => waiting.set(name, resolve));
    return reports.get(name);
  };
`;

peerTest('chromium', 'a player runs, keeps its storage and opens pages, and leads the reader nowhere', async () => {
  const led: string[] = [];
  let reader = '';
  const readerPage = () => `<script>${READER}</script><body style="margin:0">${playersFrom(players)}`;
  const players = await servePages(({ url = '' }) => {
    if (url === '/popup') return POPUP;
    if (url.startsWith('/player/')) return playerPage(url.slice('/player/'.length), reader);
    if (url.startsWith('/away/')) led.push(url);
    return '';
  });
  let onLed = () => {};
  const isLed = new Promise<void>((resolve) => {
    onLed = resolve;
  });
  reader = await servePages(({ url = '' }) => {
    if (url === '/')
      return `${readerPage()}<iframe src="${players}player/free" width="200" height="${HEIGHT}"></iframe>`;
    if (!url.startsWith('/away/')) return '';
    led.push(url);
    onLed();
    return '';
  });
  const names = [...ADDRESSES.map((_, index) => String(index)), 'free'];

  await inPage(reader, async (page) => {
    for (const [index, name] of names.entries()) {
      const middle = await page.evaluate(
        `(({ left, top }) => [left + 100, top + ${HEIGHT / 2}])(document.querySelectorAll('iframe')[${index}].getBoundingClientRect())`,
      );
      const [x, y] = middle as [number, number];
      await page.click(x, y);
      if (name === 'free') break;
      expect(await page.evaluate(`reportOf(${JSON.stringify(name)})`)).toMatchObject({
        name,
        isOpen: true,
        storage: name,
      });
      expect(await page.evaluate('location.pathname')).toBe('/');
    }
    await isLed;
  });

  // The player without a sandbox led the reader away: the others could not.
  expect(new Set(led.map((path) => path.split('/')[2]))).toEqual(new Set(['free']));
  expect(new Set([...PLAYERS.values()].map(({ sandbox }) => sandbox)).size).toBe(ADDRESSES.length);
});
