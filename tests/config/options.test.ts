import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Option, Options } from '../../src/config/option.ts';
import { OPTIONS } from '../../src/config/options.ts';
import { CONNECTION_LIMITS } from '../../src/http/load/connections.ts';

const commands = Object.entries<Options>(OPTIONS);
const all = commands.flatMap(([command, table]) =>
  Object.values(table).map((option) => [command, option.option ?? option.variable ?? '', option] as const),
);

describe('docs/options.md', () => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/options.md'), 'utf8');

  /** The rows of the table below the heading of a command. */
  function documented(command: string): string[] {
    const [, section = ''] = page.split(`\n## ${command}\n`);
    const [body = ''] = section.split('\n## ');
    return body.split('\n').filter((row) => row.startsWith('|'));
  }

  function row({
    option,
    variable,
    isSecret,
    placeholder,
    kind,
    help,
    default: value,
    defaultHelp = '',
  }: Option): string {
    const code = (text: string | undefined) => (text === undefined ? '' : `\`${text}\``);
    const isSwitch = placeholder === undefined;
    const described = isSwitch ? '' : value === undefined ? defaultHelp : code(value);
    const variables = isSecret ? `${code(variable)}, ${code(`${variable}_FILE`)}` : code(variable);
    const cells = [code(option), variables, described, isSwitch ? '' : kind.rule, help.replaceAll('|', '\\|')];
    return `| ${cells.join(' | ')} |`;
  }

  test.each(commands)('has every option of %s as the program has it', (command, table) => {
    const head = ['| option | variable | default | value | meaning |', '| --- | --- | --- | --- | --- |'];
    expect(documented(command)).toEqual([...head, ...Object.values(table).map(row)]);
  });

  test('has a section for every command, and no other table', () => {
    expect([...page.matchAll(/^## ([\w-]+)$/gm)].map(([, name]) => name)).toEqual(commands.map(([name]) => name));
    expect(page.split('\n').filter((line) => line.startsWith('|'))).toHaveLength(all.length + 2 * commands.length);
  });
});

test.each(all)('%s %s: its default obeys its own rule', (_command, _name, { kind, default: value }) => {
  expect(value === undefined || kind.read(value) !== undefined).toBe(true);
});

test.each(all)('%s %s: a secret has a variable', (_command, _name, { isSecret, variable }) => {
  expect(isSecret === undefined || variable !== undefined).toBe(true);
});

test.each<[keyof typeof OPTIONS.serve, string, unknown]>([
  ['port', '0', 0],
  ['port', '65535', 65_535],
  ['port', '65536', undefined],
  ['port', '-1', undefined],
  ['port', '1e3', undefined],
  ['port', ' 80', undefined],
  ['port', '', undefined],
  ['metricsPort', 'off', 'off'],
  ['metricsPort', '9464', 9464],
  ['metricsPort', 'none', undefined],
  ['workers', '256', 256],
  ['workers', '0', undefined],
  ['publicUrl', 'https://Feeds.example', 'https://feeds.example/'],
  ['publicUrl', 'feeds.example', undefined],
  ['publicUrl', 'ftp://feeds.example/', undefined],
  ['rateLimit', '300', { perMinute: 300, burst: 300 }],
  ['rateLimit', '60:600', { perMinute: 60, burst: 600 }],
  ['rateLimit', 'off', 'off'],
  ['rateLimit', '0', undefined],
  ['rateLimit', '60:', undefined],
  ['maxConnections', '500', { total: 500 }],
  ['maxConnections', '500:20', { total: 500, perClient: 20 }],
  ['maxConnections', '500:off', { total: 500, perClient: 0 }],
  ['maxConnections', 'off', undefined],
  ['maxConnections', '500:20:off', undefined],
  ['fastPath', 'on', true],
  ['fastPath', 'off', false],
  ['fastPath', 'true', undefined],
  ['logLevel', 'warn', 'warn'],
  ['logLevel', 'loud', undefined],
])('%s %j reads as %j', (name, text, value) => {
  expect(OPTIONS.serve[name].kind.read(text)).toEqual(value);
});

test('the default of --max-connections is the limit of a service without options', () => {
  const { total, perClient } = CONNECTION_LIMITS;
  expect(OPTIONS.serve.maxConnections.default).toBe(`${total}:${perClient}`);
});
