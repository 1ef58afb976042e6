import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { dataFolder, PUBLICATION } from '../../helpers.ts';
import { command } from '../terminal.ts';

const FEEDS = `${PUBLICATION}feeds:
  - { id: rivers, title: Rivers }
retired:
  - { feed: tag/old }
  - { feed: tag/older }
`;

test('a valid configuration is described, and nothing is made', async () => {
  const folder = await dataFolder({ 'publication.yaml': FEEDS, 'redirects.txt': '/feed/ latest\n' });

  expect(await command(['check', '--config', '--data', folder])).toEqual({
    code: 0,
    out: `The configuration in ${folder} is valid: 1 feed of your own, 2 retired, 0 redirects, 0 partners.\n`,
    err: '',
    drawn: '',
  });
  expect((await readdir(folder)).sort()).toEqual(['publication.yaml', 'redirects.txt']);
});

test('every mistake is named: in publication.yaml, in redirects.txt and in the environment', async () => {
  const folder = await dataFolder({ 'publication.yaml': `${PUBLICATION}titel: x\n` });
  const other = await dataFolder({ 'redirects.txt': '/a latest\n/b\n' });

  expect(await command(['check', '--config', '--data', folder], { env: { PORT: 'http' } })).toMatchObject({
    code: 1,
    out: `The configuration in ${folder} is not valid.\n`,
    err: `PORT must be a whole number from 0 to 65535, not “http”.\n${join(folder, 'publication.yaml')}:6:8: titel: is not a known field. Did you mean title?\n`,
  });
  expect(await command(['check', '--config', '--data', other], { env: { TRUST_PROXY: 'nginx' } })).toMatchObject({
    code: 1,
    err: `TRUST_PROXY must be a number of proxies, or a list of addresses, networks, loopback, linklocal and uniquelocal, not “nginx”.\n${join(other, 'redirects.txt')}:2: must be an address, a feed and perhaps a format, with spaces between (value: /b)\n`,
  });
});

test('a missing publication is named, with what to do', async () => {
  const folder = await dataFolder();
  const { code, err } = await command(['check', '--config', '--data', join(folder, 'none')]);

  expect([code, err]).toEqual([
    1,
    `The publication cannot be read from ${join(folder, 'none/publication.yaml')}.\nCreate a publication.yaml with title, url, description and language in the data folder.\n`,
  ]);
});

test('as JSON', async () => {
  const folder = await dataFolder({ 'publication.yaml': `${PUBLICATION}maxAge: -1\n` });
  const { code, out } = await command(['check', '--config', '--json', '--data', folder]);

  expect([code, JSON.parse(out)]).toEqual([
    1,
    {
      data: folder,
      isValid: false,
      problems: [`${join(folder, 'publication.yaml')}:6:9: maxAge: must be a whole number from 0 to 86400 (value: -1)`],
    },
  ]);
});
