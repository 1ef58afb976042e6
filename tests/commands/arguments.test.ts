import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { optionsHelp, readArguments } from '../../src/commands/arguments.ts';
import type { Options } from '../../src/config/option.ts';
import { integer, text } from '../../src/config/option-values.ts';
import { dataFolder } from '../helpers.ts';

const TABLE = {
  token: {
    option: '--token',
    placeholder: 'TEXT',
    variable: 'TOKEN',
    kind: text,
    isSecret: true,
    help: 'Token of a test.',
  },
  pin: { variable: 'PIN', placeholder: 'NUMBER', kind: integer(0, 9999), isSecret: true, help: 'Number of a test.' },
} as const satisfies Options;

const read = (env: Readonly<Record<string, string>>, args: readonly string[] = []) =>
  readArguments(TABLE, { args, env }).values;

describe('a secret', () => {
  test.each([
    ['s3cret\n', 's3cret'],
    ['s3cret\r\n', 's3cret'],
    ['s3cret', 's3cret'],
    [' two\nlines \n\n', ' two\nlines \n'],
  ])('in the file %j is %j', async (content, expected) => {
    const folder = await dataFolder({ token: content });

    expect(read({ TOKEN_FILE: join(folder, 'token') }).token).toBe(expected);
  });

  test('in a variable is its text; an empty variable counts as not set', async () => {
    const file = join(await dataFolder({ token: 'filed' }), 'token');

    expect(read({ TOKEN: 'set' }).token).toBe('set');
    expect(read({ TOKEN: 'set', TOKEN_FILE: '' }).token).toBe('set');
    expect(read({ TOKEN: '', TOKEN_FILE: file }).token).toBe('filed');
    expect(read({ TOKEN: '', TOKEN_FILE: '' }).token).toBeUndefined();
  });

  test('that is typed wins over both variables, and no file is read', () => {
    expect(read({ TOKEN: 'set', TOKEN_FILE: '/nowhere' }, ['--token', 'typed']).token).toBe('typed');
  });

  test('whose two variables are set is refused', () => {
    expect(() => read({ TOKEN: 'set', TOKEN_FILE: '/nowhere' })).toThrow(
      expect.objectContaining({
        code: 'usage',
        message: 'TOKEN and TOKEN_FILE are both set, but a secret has one source.',
        hint: 'Unset TOKEN, and keep the secret in the file.',
      }),
    );
  });

  test.each([
    ['missing', 'cannot be read: FOLDER/missing: there is no such file or folder (ENOENT).'],
    ['articles', 'cannot be read: FOLDER/articles: it is a folder, not a file (EISDIR).'],
    ['empty', 'is empty: FOLDER/empty.'],
    ['break', 'is empty: FOLDER/break.'],
    ['long', 'is longer than 64 KiB: FOLDER/long.'],
  ])('whose file is %s is refused', async (name, reason) => {
    const folder = await dataFolder({ 'articles/a': '', empty: '', break: '\n', long: 'x'.repeat(64 * 1024 + 1) });

    expect(() => read({ TOKEN_FILE: join(folder, name) })).toThrow(
      expect.objectContaining({ code: 'usage', message: `The file of TOKEN_FILE ${reason.replace('FOLDER', folder)}` }),
    );
  });

  test('whose file has no end is refused', () => {
    expect(() => read({ TOKEN_FILE: '/dev/zero' })).toThrow('is longer than 64 KiB: /dev/zero.');
  });

  test('whose file is a folder is refused', async () => {
    const folder = await dataFolder();

    expect(() => read({ TOKEN_FILE: folder })).toThrow(`The file of TOKEN_FILE cannot be read: ${folder}: `);
  });

  test('that breaks its rule is in no message', async () => {
    const file = join(await dataFolder({ pin: 'hunter2' }), 'pin');
    const rule = 'must be a whole number from 0 to 9999. Its value is a secret, which no message shows.';

    expect(() => read({ PIN: 'hunter2' })).toThrow(`PIN ${rule}`);
    expect(() => read({ PIN_FILE: file })).toThrow(`PIN_FILE ${rule}`);
  });
});

test('the help names both variables of a secret', () => {
  expect(optionsHelp(TABLE)).toBe(
    'Options\n  --token TEXT  Token of a test. (TOKEN, TOKEN_FILE)\n  PIN           Number of a test. (PIN_FILE)\n',
  );
});
