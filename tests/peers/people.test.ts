import axe from 'axe-core';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, expect } from 'vitest';
import { dataFolder, PUBLICATION, type Running, record, serving } from '../helpers.ts';
import { sized } from '../soak/sizes.ts';
import { startSample } from './newsroom.ts';
import { peerTest, requireProgram } from './programs.ts';

/** Widths at which no page may be wider than the screen. */
const ALL_WIDTHS = [320, 390, 1440];
/** Widths at which axe-core looks at a page. Dark pages differ in their colours alone. */
const AXE_WIDTHS = {
  light: sized({ short: [320], soak: ALL_WIDTHS, full: ALL_WIDTHS }),
  dark: sized({ short: [1440], soak: [390], full: ALL_WIDTHS }),
};

let launched: Promise<Browser> | undefined;
let sample: Promise<Running> | undefined;

/** The browser of this file. Every test opens a profile of its own in it. */
async function sharedBrowser(): Promise<Browser> {
  const executablePath = await requireProgram('chromium');
  launched ??= chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu', '--no-proxy-server'] });
  return launched;
}

/** The sample newsroom of this file. */
function sharedSample(): Promise<Running> {
  sample ??= startSample();
  return sample;
}

afterAll(async () => {
  await (await launched)?.close();
  await (await sample)?.close();
});

/** Opens a newsroom in the browser, at its port and at that of the operator; by default the sample, which all tests share. */
async function inBrowser(
  work: (browser: Browser, base: string, operator: string) => Promise<void>,
  startNewsroom?: () => Promise<Running>,
): Promise<void> {
  const browser = await sharedBrowser();
  const service = await (startNewsroom ?? sharedSample)();
  try {
    await work(browser, `http://localhost:${service.port}`, `http://127.0.0.1:${service.metricsPort}`);
  } finally {
    for (const context of browser.contexts()) await context.close();
    if (startNewsroom !== undefined) await service.close();
  }
}

/** What axe-core finds wrong: each rule with the elements that break it. */
async function violations(page: Page): Promise<string[]> {
  const found: unknown = await page.evaluate(`axe.run().then(({ violations }) => violations.flatMap(
    ({ id, nodes }) => nodes.map(({ target }) => id + ' ' + target.join(' '))))`);
  return Array.isArray(found) ? found.map(String) : [];
}

/** The requests of a page that went to another host, and what the page complained of. */
function watch(page: Page, base: string): readonly string[] {
  const seen: string[] = [];
  page.on('request', (request) => request.url().startsWith(`${base}/`) || seen.push(request.url()));
  page.on('console', (message) => /\b404\b/.test(message.text()) || seen.push(message.text()));
  page.on('pageerror', (error) => seen.push(error.message));
  return seen;
}

/** Expects that axe-core finds nothing wrong with a page, and that it fits the screen at any width. */
async function expectSound(page: Page, url: string, colorScheme: keyof typeof AXE_WIDTHS): Promise<void> {
  await page.goto(url);
  // The stories of the sample that have the most kinds of elements; all of them would take a minute.
  await page.evaluate(
    'for (const each of document.querySelectorAll("details:has(table, figure, dl), main > section details")) each.open = true',
  );
  await page.evaluate(axe.source); // the policy lets no script be added to the page itself
  for (const width of ALL_WIDTHS) {
    await page.setViewportSize({ width, height: 900 });
    const sideways = await page.evaluate('document.documentElement.scrollWidth > innerWidth');
    const wrong = AXE_WIDTHS[colorScheme].includes(width) ? await violations(page) : [];
    expect([url, colorScheme, width, sideways, wrong]).toEqual([url, colorScheme, width, false, []]);
  }
}

const SOUND = { tags: ['soak'] };

peerTest(
  'chromium',
  'axe-core finds nothing wrong with any page, and no page loads anything from elsewhere',
  () =>
    inBrowser(async (browser, base, operator) => {
      const paths = ['/', '/?q=kurdi', '/feeds/latest', '/feeds/language/ckb', '/feeds/language/ar', '/feeds/rivers'];
      for (const colorScheme of ['light', 'dark'] as const) {
        const context = await browser.newContext({ colorScheme });
        const page = await context.newPage();
        const seen = watch(page, base);
        for (const path of paths) await expectSound(page, base + path, colorScheme);
        // The visits before are the traffic that this page shows.
        const status = await context.newPage();
        const seenByOperator = watch(status, operator);
        await expectSound(status, `${operator}/status`, colorScheme);
        expect([seen, seenByOperator]).toEqual([[], []]);
        await context.close();
      }
    }),
  SOUND,
);

/** A newsroom with more stories than a page shows, in a language that is read from right to left. */
async function startLongHistory(): Promise<Running> {
  const stories = Array.from({ length: 40 }, (_, number): [string, string] => {
    const publishedAt = new Date(Date.UTC(2026, 9, 1 + number)).toISOString();
    const fields = { id: `s${number}`, url: `/s${number}`, title: `Story ${number}`, language: 'ckb', publishedAt };
    return [`articles/s${number}.json`, JSON.stringify(record(fields))];
  });
  const folder = await dataFolder({
    'publication.yaml': `${PUBLICATION}entries: 10\n`,
    ...Object.fromEntries(stories),
  });
  return serving(folder, { storeFile: ':memory:' });
}

peerTest(
  'chromium',
  'axe-core finds nothing wrong with archives, which lead through all stories',
  () =>
    inBrowser(async (browser, base) => {
      const older = ['/feeds/language/ckb/archive/2', '/feeds/language/ckb/archive/1'];
      for (const colorScheme of ['light', 'dark'] as const) {
        const page = await (await browser.newContext({ colorScheme })).newPage();
        for (const path of older) await expectSound(page, base + path, colorScheme);
      }
      const page = await browser.newPage();
      await page.goto(`${base}/feeds/language/ckb`);
      const steps: string[] = [];
      while ((await page.locator('a[rel=next]').count()) > 0) {
        await page.click('a[rel=next]');
        steps.push(new URL(page.url()).pathname);
      }
      await page.click('a[rel=prev]');
      expect([...steps, new URL(page.url()).pathname]).toEqual([...older, older[0]]);
    }, startLongHistory),
  SOUND,
);

/** A newsroom whose texts have no place where a line could end. */
async function startEndlessWords(): Promise<Running> {
  const word = 'w'.repeat(150);
  const own = record({ title: word, sections: [word.slice(0, 90)], authors: [{ name: word }] });
  const folder = await dataFolder({
    'publication.yaml': PUBLICATION.replace('The Test Post', word).replace('News for tests.', word),
    'articles/a.json': JSON.stringify(own),
    [`articles/${word.slice(0, 100)}.json`]: JSON.stringify({ [word]: word }),
  });
  return serving(folder, { metrics: { host: '127.0.0.1', port: 0, isRequired: true } });
}

peerTest('chromium', 'words without end make no page wider than the screen', () =>
  inBrowser(async (browser, base, operator) => {
    const page = await browser.newPage();
    for (const width of ALL_WIDTHS) {
      await page.setViewportSize({ width, height: 800 });
      for (const url of [`${base}/`, `${base}/?q=${'q'.repeat(400)}`, `${base}/feeds/latest`, `${operator}/status`]) {
        await page.goto(url);
        const sideways = await page.evaluate('document.documentElement.scrollWidth > innerWidth');
        expect([url.slice(0, 60), width, sideways]).toEqual([url.slice(0, 60), width, false]);
      }
    }
  }, startEndlessWords),
);

/** Links and buttons outside of sentences that are too small for a finger. */
const SMALL = `[...document.querySelectorAll('a, button, input, summary')]
  .filter((each) => !each.closest('h2, h3, .byline, .newest, .skip, .text') && each.getBoundingClientRect().height < 24)
  .map((each) => each.outerHTML)`;

peerTest('chromium', 'what a finger touches is 24 px high at least', () =>
  inBrowser(async (browser, base) => {
    const page = await browser.newPage({ viewport: { width: 390, height: 800 } });
    for (const path of ['/', '/?q=sorani', '/feeds/latest', '/feeds/language/ckb', '/unknown']) {
      await page.goto(base + path);
      expect([path, await page.evaluate(SMALL)]).toEqual([path, []]);
    }
  }),
);

peerTest(
  'chromium',
  'the pages of a newsroom without a story have no gap, no empty foot, and no word about charts',
  () =>
    inBrowser(
      async (browser, base) => {
        const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
        await page.goto(`${base}/feeds/latest`);
        const gap = await page.evaluate(`document.querySelector('.entries').getBoundingClientRect().top
        - document.querySelector('.about').lastElementChild.getBoundingClientRect().bottom`);
        expect(gap).toBeLessThan(80);
        expect(await page.locator('footer').count()).toBe(0);
        await page.goto(base);
        expect(await page.locator('footer').count()).toBe(0);
        expect(await page.getByText('stories per day').count()).toBe(0);
      },
      async () => serving(await dataFolder({}), { metrics: { host: '127.0.0.1', port: 0, isRequired: true } }),
    ),
);

peerTest(
  'chromium',
  'an operator opens the status at the port alone, and sees who asked for what, without script',
  () =>
    inBrowser(async (browser, base, operator) => {
      const subscribers = { 'User-Agent': 'Feedly/1.0 (+http://www.feedly.com/fetcher.html; 1200 subscribers)' };
      for (let time = 0; time < 3; time += 1) {
        await (await fetch(`${base}/feeds/language/ckb.rss`, { headers: subscribers })).arrayBuffer();
      }
      const page = await browser.newPage({ javaScriptEnabled: false });
      const seen = watch(page, operator);
      await page.goto(operator);

      expect([page.url(), await page.title()]).toEqual([
        `${operator}/status`,
        'All is well · Status · The Four Rivers Courier',
      ]);
      expect(await page.getByRole('heading', { level: 1 }).innerText()).toBe('Readers are served. Nothing needs you.');
      const cells = await page.getByRole('row', { name: 'کوردیی ناوەندی' }).getByRole('cell').allInnerTexts();
      expect([cells[1], cells.at(-1)]).toEqual(['3', '1,200']);
      expect(await page.getByRole('row', { name: 'Feedly' }).getByRole('cell').allInnerTexts()).toEqual([
        '',
        '1,200',
        '1',
      ]);
      await page.getByText('Every hour in numbers').click();
      const hours = page.locator('details[open]').getByRole('row');
      expect((await hours.last().getByRole('cell').allInnerTexts()).slice(0, 6)).toEqual([
        '0',
        '0',
        '3',
        '0',
        '0',
        '0',
      ]);
      expect(seen).toEqual([]);
    }, startSample), // it counts the requests of this test
);

peerTest('chromium', 'a person finds a feed, opens it, copies its address and goes on to another language', () =>
  inBrowser(async (browser, base) => {
    const context = await browser.newContext();
    await context.grantPermissions(['clipboard-read', 'clipboard-write']);
    const page = await context.newPage();
    const seen = watch(page, base);
    await page.goto(base);
    await page.getByRole('searchbox', { name: 'Find a feed' }).fill('CLIMATE');
    await page.getByRole('button', { name: 'Search' }).click();
    await page.locator('.formats a[href="feeds/section/climate.rss"]').click();
    await page.waitForURL(`${base}/feeds/section/climate`);
    await page.goBack();
    await page.getByRole('link', { name: 'Climate', exact: true }).click();
    expect(new URL(page.url()).pathname).toBe('/feeds/section/climate');
    await page.getByRole('button', { name: 'Copy' }).click();
    await page.getByText('Copied').waitFor();
    expect(await page.evaluate('navigator.clipboard.readText()')).toBe(
      'https://feeds.fourrivers.example/feeds/section/climate.rss',
    );
    for (const ending of ['rss', 'atom', 'json', 'rss?utm_source=x']) {
      await page.goto(`${base}/feeds/section/climate.${ending}`);
      expect(page.url()).toBe(`${base}/feeds/section/climate`);
    }
    const feed = await (await fetch(`${base}/feeds/section/climate.rss`)).text();
    const raw = page.getByRole('link', { name: 'See the raw feed' });
    await page.evaluate('scrollTo(0, 2000)'); // what stands beside the stories may be higher than the window
    const { y = Number.NaN, height = 0 } = (await raw.boundingBox()) ?? {};
    expect(y + height).toBeLessThan(page.viewportSize()?.height ?? 0);
    await raw.click();
    await page.getByText('<rss').waitFor();
    expect(page.url()).toBe(`${base}/feeds/section/climate.rss?format=raw`);
    expect(await page.evaluate('document.body.textContent')).toBe(feed);
    // A program in a page gets the feed.
    expect(await page.evaluate(`fetch('climate.rss').then((answer) => answer.text())`)).toBe(feed);
    await page.goBack();
    await page.getByRole('navigation').getByRole('link', { name: 'کوردیی ناوەندی' }).click();
    expect(await page.evaluate('[location.pathname, document.dir, document.documentElement.lang]')).toEqual([
      '/feeds/language/ckb',
      'rtl',
      'ckb',
    ]);
    await page.getByText('دەقی تەواو').first().click();
    await page.locator('details[open] .text p').first().waitFor();
    const digits = `getComputedStyle(document.querySelector('.text ol')).listStyleType`;
    expect(await page.evaluate(digits)).toBe('arabic-indic');
    expect(seen).toEqual([]);
  }),
);

peerTest('chromium', 'everything but the button works without script, below the path of a proxy, too', () =>
  inBrowser(async (browser, base) => {
    const context = await browser.newContext({ javaScriptEnabled: false });
    const page = await context.newPage();
    // As a proxy does that serves the feeds below a path.
    await page.route('http://proxy.example/**', async (route) => {
      const url = new URL(route.request().url());
      const response = await fetch(base + url.pathname.replace('/press', '') + url.search);
      const { 'content-encoding': _, ...headers } = Object.fromEntries(response.headers);
      await route.fulfill({ status: response.status, headers, body: Buffer.from(await response.arrayBuffer()) });
    });
    await page.goto('http://proxy.example/press/');
    await page.getByRole('searchbox').fill('rivers');
    await page.getByRole('searchbox').press('Enter');
    await page.getByRole('link', { name: 'Rivers', exact: true }).click();
    expect(page.url()).toBe('http://proxy.example/press/feeds/rivers');
    expect(await page.getByRole('button', { name: 'Copy' }).isVisible()).toBe(false);
    await page.getByText('Full story').first().click();
    expect(await page.locator('details[open] .text p').first().isVisible()).toBe(true);
    await page.getByRole('link', { name: 'The Four Rivers Courier' }).click();
    expect(page.url()).toBe('http://proxy.example/press/');
  }),
);
