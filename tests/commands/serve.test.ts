import { Writable } from 'node:stream';
import { describe, expect, onTestFinished, test } from 'vitest';
import { run } from '../../src/cli.ts';
import { freePort } from '../free-port.ts';
import { ask, dataFolder, PUBLICATION, record, toldIn } from '../helpers.ts';

const PICTURE = Buffer.from('R0lGODlhAQABAAAAACwAAAAAAQABAAA=', 'base64');
const NEWSROOM = {
  'articles/a.json': JSON.stringify(
    record({ sections: ['World'], body: '<p><img src="/media/a.gif" alt=""></p>', image: { url: '/media/a.gif' } }),
  ),
  'articles/b.json': JSON.stringify(
    record({ id: 'b', url: '/b', image: { url: 'https://feeds.news.example/media/a.gif' } }),
  ),
  'media/a.gif': PICTURE,
};
const DOCUMENTS = ['/feeds/latest.rss', '/feeds/latest.atom', '/feeds/latest.json', '/feeds/latest', '/'];

interface Served {
  readonly port: number;
  readonly out: string;
  readonly log: () => readonly { readonly msg: string; readonly feedsUrl?: string }[];
  readonly close: () => Promise<void>;
}

interface Surroundings {
  readonly env?: Readonly<Record<string, string>>;
  readonly isInteractive?: boolean;
}

/** Runs the command in this process. */
async function served(folder: string, args: readonly string[] = [], surroundings: Surroundings = {}): Promise<Served> {
  const { env = {}, isInteractive = false } = surroundings;
  let [out, log] = ['', ''];
  const screen = new Writable({
    write(chunk, _encoding, done) {
      log += chunk;
      done();
    },
  });
  const service = await run(['serve', '--data', folder, '--host', '127.0.0.1', '--metrics-port', 'off', ...args], {
    out: (line) => {
      out += `${line}\n`;
    },
    isInteractive,
    err: () => {},
    screen: screen as unknown as NodeJS.WriteStream,
    onStop: () => {},
    env,
    version: '0.0.0',
  });
  if (typeof service === 'number') throw new Error(log);
  onTestFinished(() => service.close());
  return { port: service.port, out, log: () => toldIn(log), close: service.close };
}

/** The documents without what a moment decides. */
async function documentsOf(port: number): Promise<string[]> {
  const answers = await Promise.all(DOCUMENTS.map((path) => ask(port, path, { headers: { Host: 'evil.news.org' } })));
  return answers.map(({ text, headers: { etag, link, 'last-modified': modified } }) =>
    JSON.stringify({ text, etag, link, modified }),
  );
}

describe('where no reader can open the address of publication.yaml', () => {
  test('documents and headers have the local address; ids and links of the site stay', async () => {
    const folder = await dataFolder(NEWSROOM);
    const local = await served(folder, ['--port', '0']);
    const [rss = '', atom = '', json = '', page = '', index = ''] = await documentsOf(local.port);
    const root = `http://localhost:${local.port}/`;

    for (const text of [rss, atom, json, page, index]) {
      expect(text).not.toContain('feeds.news.example');
      expect(text).not.toContain('evil.news.org');
      expect(text).toContain(`<${root}feeds/latest.rss>; rel=`);
    }
    for (const text of [rss, atom, json]) expect(text.split(`${root}media/a.gif`).length).toBeGreaterThan(3);
    for (const text of [rss, atom, json]) expect(text).toContain('tag:news.example,2026:a');
    for (const text of [rss, atom, json, page]) expect(text).toContain('https://news.example/b');
    expect(page).toContain(`${root}feeds/latest.rss`);
    expect((await ask(local.port, '/media/a.gif')).body).toEqual(PICTURE);
    expect(local.log().filter(({ feedsUrl }) => feedsUrl === root)).toHaveLength(1);
  });

  test('a start at the same port changes nothing; at another port, only documents change', async () => {
    const folder = await dataFolder(NEWSROOM);
    const [port, other] = [await freePort(), await freePort()];
    const first = await served(folder, ['--port', `${port}`]);
    const before = await documentsOf(port);
    await first.close();
    const again = await served(folder, [], { env: { PORT: `${port}` } });
    const after = await documentsOf(port);
    await again.close();
    const moved = await served(folder, ['--port', `${other}`]);

    expect(after).toEqual(before);
    expect(await documentsOf(other)).not.toEqual(before);
    const changes = moved.log().filter((line) => 'actor' in line);
    expect(changes).toEqual([]);
  });

  test('the API shows local addresses too', async () => {
    const { port } = await served(await dataFolder(NEWSROOM), ['--port', '0']);

    expect((await ask(port, '/api/openapi.json')).text).toMatch(
      new RegExp(`"servers":\\s*\\[\\{\\s*"url":\\s*"http://localhost:${port}"`),
    );
  });
});

describe('a service has the address that it was given', () => {
  test.each([
    ['by --public-url', ['--public-url', 'https://feeds.news.example'], {}, PUBLICATION],
    ['by PUBLIC_URL', [], { PUBLIC_URL: 'https://feeds.news.example' }, PUBLICATION],
    ['by a name that exists', [], {}, PUBLICATION.replace('feeds.news.example', 'feeds.news.org')],
  ])('%s', async (_name, args, env, publication) => {
    const folder = await dataFolder({ ...NEWSROOM, 'publication.yaml': publication });
    const { port, log } = await served(folder, ['--port', '0', ...args], { env });
    const [rss = '', ...others] = await documentsOf(port);

    expect(rss).toMatch(/<https:\/\/feeds\.news\.(example|org)\/feeds\/latest\.rss>; rel=/);
    for (const text of [rss, ...others]) expect(text).not.toContain('localhost');
    expect(log().filter(({ feedsUrl }) => feedsUrl !== undefined)).toEqual([]);
  });
});

describe('standard output', () => {
  const FIRST =
    'Feed Publisher: “The Test Post”, 0 articles in 1 feed, at http://127.0.0.1:PORT/feeds/latest.rss (.atom, .json)\n';

  test.each([
    ['one line for programs', false, PUBLICATION, FIRST],
    [
      'the address of the page in a terminal',
      true,
      PUBLICATION,
      `${FIRST}Open http://127.0.0.1:PORT/ in a browser to see the feeds.\n`,
    ],
    ['no page where there are none', true, `${PUBLICATION}pages: off\n`, FIRST],
  ])('has %s', async (_name, isInteractive, publication, expected) => {
    const folder = await dataFolder({ 'publication.yaml': publication });
    const { port, out } = await served(folder, ['--port', '0'], { isInteractive });

    expect(out).toBe(expected.replaceAll('PORT', `${port}`));
  });
});
