import type { ChildProcess } from 'node:child_process';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { chmodSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, onTestFinished, test, vi } from 'vitest';
import { openServiceManager } from '../../src/service/service-manager.ts';
import { dataFolder, listen } from '../helpers.ts';

afterEach(() => void vi.useRealTimers());

/** A program in the place of systemd-notify, which writes down its arguments and its socket. */
const WRITES_DOWN = '#!/bin/sh\nfor line; do echo "$NOTIFY_SOCKET $line" >> "$SEEN"; done\n';

/** Returns a function that waits for the end of every program that has been started since: no message is under way then. */
function watchPrograms(): () => Promise<unknown> {
  const ends: Promise<unknown>[] = [];
  const note = (message: unknown) => ends.push(once((message as { process: ChildProcess }).process, 'close'));
  subscribe('child_process', note);
  onTestFinished(() => void unsubscribe('child_process', note));
  return () => Promise.allSettled(ends);
}

async function managed(script: string, more: Readonly<Record<string, string>> = {}) {
  const folder = await dataFolder({ 'systemd-notify': script });
  chmodSync(join(folder, 'systemd-notify'), 0o755);
  const seen = join(folder, 'seen');
  const { log, lines } = listen();
  const env = { PATH: `${folder}:/usr/bin:/bin`, NOTIFY_SOCKET: '/run/notify', SEEN: seen, ...more };
  const haveEnded = watchPrograms();
  const told = async () => {
    await haveEnded();
    return existsSync(seen) ? readFileSync(seen, 'utf8').trimEnd().split('\n') : [];
  };
  return { manager: openServiceManager({ env, log: log.log }), told, lines };
}

test('a service tells that it is ready, that it goes on, and that it ends', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  const { manager, told, lines } = await managed(WRITES_DOWN, { WATCHDOG_USEC: '60000000' });
  manager.ready('Serving 1 article');
  const first = ['/run/notify READY=1', '/run/notify STATUS=Serving 1 article'];
  expect(await told()).toEqual(first);
  vi.advanceTimersByTime(19_999);
  expect(await told()).toEqual(first);
  vi.advanceTimersByTime(1);
  expect((await told()).slice(2)).toEqual(['/run/notify WATCHDOG=1']);
  manager.stopping();
  vi.advanceTimersByTime(200_000);

  expect((await told()).slice(3)).toEqual(['/run/notify STOPPING=1', '/run/notify STATUS=Finishing requests']);
  expect(lines).toEqual([]);
});

test('a long start asks for more time', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  const { manager, told } = await managed(WRITES_DOWN);
  vi.advanceTimersByTime(30_000);

  expect(await told()).toEqual(['/run/notify EXTEND_TIMEOUT_USEC=120000000']);
  manager.ready('Serving');
  vi.advanceTimersByTime(300_000);
  expect((await told()).slice(1)).toEqual(['/run/notify READY=1', '/run/notify STATUS=Serving']);
});

test.each([
  [`${process.pid}`, 1],
  [`${process.ppid}`, 1],
  ['1', 0],
])('a watchdog for the process %s hears %i messages', async (pid, count) => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  const { manager, told } = await managed(WRITES_DOWN, { WATCHDOG_USEC: '30000000', WATCHDOG_PID: pid });
  manager.ready('Serving');
  expect(await told()).toHaveLength(2);
  vi.advanceTimersByTime(10_000);
  expect(await told()).toHaveLength(2 + count);
  manager.stopping();
});

test.each([
  ['#!/bin/sh\necho "Failed to notify init system" >&2; exit 1\n', 'Failed to notify init system'],
  ['#!/bin/sh\nexit 3\n', 'exit code 3'],
])('a message that cannot be sent is logged once: %j', async (script) => {
  const { manager, lines } = await managed(script);
  manager.ready('Serving');
  await expect.poll(() => lines.length).toBe(1);
  manager.stopping();

  expect(lines).toEqual([
    'systemd cannot be told how the service is, because systemd-notify fails. It will count the service as failed, and end it. Install systemd, or write Type=exec and no WatchdogSec in the unit.',
  ]);
});

test('without systemd, nobody is told anything', async () => {
  const { manager, told } = await managed(WRITES_DOWN, { NOTIFY_SOCKET: '' });
  manager.ready('Serving');
  manager.stopping();

  expect(await told()).toEqual([]);
});
