import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { validate } from 'dockerfile-utils';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import packageJson from '../../package.json' with { type: 'json' };
import type { Options } from '../../src/config/option.ts';
import { OPTIONS } from '../../src/config/options.ts';
import { START_FLAGS } from '../start-flags.ts';
import { ROOT, settingOf, textOf } from './files.ts';

const VARIABLES = new Set(Object.values<Options[string]>(OPTIONS.serve).map(({ variable }) => variable));

describe('the image', () => {
  const text = textOf('deploy/Containerfile');
  /** Its instructions: lines that go on are one, and comments are left out. */
  const instructions = text
    .replaceAll(/^#.*\n/gm, '')
    .replaceAll(/\\\n\s*/g, '')
    .split('\n')
    .filter((line) => line !== '');
  const lastStage = instructions.slice(instructions.findLastIndex((line) => line.startsWith('FROM ')));
  const argumentOf = (name: string) =>
    lastStage.filter((line) => line.startsWith(`${name} `)).map((line) => line.slice(name.length + 1));
  const json = (argument: string): unknown => JSON.parse(argument);

  test('is described without a mistake', () => {
    expect(validate(text)).toEqual([]);
  });

  test('starts the service as npm start does, without a shell, so that signals reach it', () => {
    expect(argumentOf('ENTRYPOINT').map(json)).toEqual([
      ['/app/node_modules/.bin/node', ...START_FLAGS, 'src/start.js'],
    ]);
    expect(argumentOf('CMD').map(json)).toEqual([['serve']]);
    expect(argumentOf('STOPSIGNAL')).toEqual(['SIGTERM']);
    expect(packageJson.scripts.start).toBe(`exec node ${START_FLAGS.join(' ')} src/start.js`);
  });

  test('runs as a user that is not root, named by its number, and asks for its health', () => {
    const [check = ''] = argumentOf('HEALTHCHECK');

    expect(argumentOf('USER')).toEqual(['65532:65532']);
    expect(json(check.slice(check.indexOf('CMD ') + 4))).toEqual(['/usr/local/bin/feed-publisher', 'healthcheck']);
    expect(argumentOf('VOLUME')).toEqual(['/data']);
    expect(argumentOf('ENV')).toEqual(['DATA_DIR=/data SQLITE_TMPDIR=/data']);
    expect(VARIABLES).toContain('DATA_DIR');
  });

  test('has what it copies, and nothing else of the project', () => {
    const copied = instructions
      .filter((line) => line.startsWith('COPY ') && !line.includes('--from'))
      .flatMap((line) => line.split(' ').slice(1, -1))
      .sort();
    const [everything, ...letThrough] = textOf('.dockerignore')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'));

    expect(everything).toBe('*');
    expect(letThrough.map((line) => line.replace(/^!/, '')).sort()).toEqual(copied);
    expect(copied).toEqual(['.npmrc', 'package-lock.json', 'package.json', 'schema', 'src']);
    for (const path of copied) expect([path, existsSync(join(ROOT, path))]).toEqual([path, true]);
  });

  test('has the program by its own name', () => {
    const [, script = ''] = /printf '([^']+)' > \/image\/usr\/local\/bin\/feed-publisher/.exec(text) ?? [];

    expect(script.replaceAll('\\n', '\n')).toBe('#!/app/node_modules/.bin/node\nimport("/app/src/start.js");\n');
    expect(packageJson.bin['feed-publisher']).toBe('src/start.js');
  });
});

describe('compose.yaml', () => {
  const texts = z.array(z.string());
  const healthcheck = z.strictObject({
    test: texts,
    interval: z.string(),
    timeout: z.string(),
    start_period: z.string().optional(),
    retries: z.int(),
  });
  /** What the file uses of the Compose specification. A name that is mistyped is in no list of it. */
  const service = z.strictObject({
    profiles: texts.optional(),
    build: z.strictObject({ context: z.string(), dockerfile: z.string() }).optional(),
    image: z.string(),
    environment: z.record(z.string(), z.string()).optional(),
    secrets: texts.optional(),
    volumes: texts,
    tmpfs: texts.optional(),
    ports: texts.optional(),
    depends_on: z.record(z.string(), z.strictObject({ condition: z.literal('service_healthy') })).optional(),
    read_only: z.boolean().optional(),
    cap_drop: texts.optional(),
    cap_add: texts.optional(),
    security_opt: texts.optional(),
    ulimits: z.strictObject({ nofile: z.int() }).optional(),
    healthcheck: healthcheck.optional(),
    stop_grace_period: z.string().optional(),
    restart: z.literal('unless-stopped'),
  });
  const schema = z.strictObject({
    name: z.string(),
    services: z.record(z.string(), service),
    volumes: z.record(z.string(), z.null()),
    secrets: z.record(z.string(), z.strictObject({ file: z.string() })),
  });
  const compose = schema.parse(parse(textOf('deploy/compose.yaml')));
  const { feeds, ...others } = compose.services;

  test('has the service by itself, and others by profiles', () => {
    expect(feeds?.profiles).toBeUndefined();
    expect(Object.entries(others).map(([name, { profiles }]) => [name, profiles])).toEqual([
      ['caddy', ['tls']],
      ['varnish', ['cache']],
      ['postgres', ['replicas']],
    ]);
  });

  test('gives the service a system that it cannot write to, and no rights', () => {
    expect(feeds).toMatchObject({
      read_only: true,
      cap_drop: ['ALL'],
      security_opt: ['no-new-privileges:true'],
      volumes: ['newsroom:/data'],
      tmpfs: ['/tmp:mode=1777,size=64m'],
      ulimits: { nofile: Number(settingOf(textOf('deploy/feed-publisher.service'), 'LimitNOFILE')) },
      healthcheck: { test: ['CMD', '/usr/local/bin/feed-publisher', 'healthcheck'] },
    });
    expect(feeds?.ports?.every((port) => port.startsWith('127.0.0.1:'))).toBe(true);
  });

  test('names variables that the service has, and files, folders, volumes and secrets that are there', () => {
    for (const name of Object.keys(feeds?.environment ?? {})) expect(VARIABLES).toContain(name);
    expect(existsSync(join(ROOT, 'deploy', feeds?.build?.context ?? '', feeds?.build?.dockerfile ?? ''))).toBe(true);
    const sources = Object.values(compose.services).flatMap(({ volumes }) => volumes.map((text) => text.split(':')[0]));
    const files = sources.filter((source = '') => source.startsWith('./'));
    const volumes = sources.filter((source = '') => !source.startsWith('./'));
    const secrets = Object.values(compose.services).flatMap((one) => one.secrets ?? []);

    expect(files.sort()).toEqual(['./Caddyfile', './varnish.vcl']);
    for (const file of files) expect([file, existsSync(join(ROOT, 'deploy', file ?? ''))]).toEqual([file, true]);
    expect(volumes.sort()).toEqual(Object.keys(compose.volumes).sort());
    expect(secrets).toEqual(Object.keys(compose.secrets));
    for (const one of Object.values(compose.services))
      for (const name of Object.keys(one.depends_on ?? {})) expect(compose.services[name]?.healthcheck).toBeDefined();
  });
});
