import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { ask, childEnvironment, dataFolder, PUBLICATION, record, toldIn } from '../helpers.ts';
import { START_FLAGS } from '../start-flags.ts';

/** Several processes put a changed publication.yaml in force. */

const MAIN = join(import.meta.dirname, '../../src/start.js');

async function started(folder: string) {
  const args = [...START_FLAGS, MAIN, '--data', folder, '--host', '127.0.0.1', '--port', '0', '--workers', '2'];
  const env = childEnvironment({ METRICS_PORT: 'off' });
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  let log = '';
  child.stderr.on('data', (text) => {
    log += text;
  });
  const port = await new Promise<number>((resolve, reject) => {
    child.stdout.on('data', (text) => resolve(Number(/:(\d+)\/feeds/.exec(String(text))?.[1])));
    child.once('exit', () => reject(new Error(log)));
  });
  return { child, port, told: () => toldIn(log), messages: () => toldIn(log).map(({ msg }) => msg) };
}

test('each worker has the new publication, one that starts later as well, and a mistake changes none', async () => {
  const folder = await dataFolder({ 'articles/a.json': JSON.stringify(record()) });
  const { child, port, told, messages } = await started(folder);
  /** The titles in answers of many connections, which the system spreads over the processes. */
  const titles = async () => {
    const answers = await Promise.all(Array.from({ length: 30 }, () => ask(port, '/feeds/latest.json')));
    expect(answers.map(({ status }) => status)).toEqual(Array(30).fill(200));
    return [...new Set(answers.map(({ text }) => JSON.parse(text).title))];
  };
  const write = (text: string) => writeFile(join(folder, 'publication.yaml'), text);
  expect(await titles()).toEqual(['The Test Post']);

  await write(`${PUBLICATION.replace('Test', 'New')}feeds:\n  - { id: own, title: Own }\n`);
  await expect.poll(titles, { timeout: 30_000 }).toEqual(['The New Post']);
  expect((await ask(port, '/feeds/own.rss')).status).toBe(200);

  const reader = told().find(({ msg, role }) => msg === 'started' && role === 'reader')?.pid;
  process.kill(Number(reader), 'SIGKILL');
  const readers = () => told().filter(({ msg, role }) => msg === 'started' && role === 'reader').length;
  await expect.poll(readers, { timeout: 30_000 }).toBe(2);
  expect(await titles()).toEqual(['The New Post']);

  await write(`${PUBLICATION}titel: A mistake\n`);
  child.kill('SIGHUP');
  const refusal = 'The publication is not valid. The service goes on with the publication that it has.';
  await expect.poll(messages, { timeout: 30_000 }).toContain(refusal);
  expect(await titles()).toEqual(['The New Post']);

  await write(PUBLICATION.replace('Test', 'Third'));
  child.kill('SIGHUP');
  await expect.poll(titles, { timeout: 30_000 }).toEqual(['The Third Post']);
  await expect
    .poll(messages, { timeout: 30_000 })
    .toContain('publication.yaml was corrected or removed: the problem is gone.');
  expect((await ask(port, '/feeds/own.rss')).status).toBe(404);
});
