import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { dataFolder } from '../helpers.ts';

const MODULE = join(import.meta.dirname, '../../src/commands/rejected-file.ts');

/** Writes records of 300 bytes until the system refuses, and prints the error. */
const PROGRAM = `
const { openRejected } = await import(process.argv[1]);
const rejected = openRejected(process.argv[2], { imported: [], dryRun: false });
try {
  for (;;) rejected.write({ file: 'in', content: { json: JSON.stringify({ title: 'x'.repeat(300) }) } });
} catch (error) {
  console.log(JSON.stringify({ code: error.code, message: error.message, count: rejected.count() }));
}
rejected.close(false);
`;

// A limit on the size of files is what a full disk is for a program: a part of a write is done, and the next one fails.
test.skipIf(process.platform === 'win32')(
  'a full disk ends the file of refused records behind a whole one',
  async () => {
    const file = join(await dataFolder(), 'rejected.ndjson');
    const limited = 'trap \'\' XFSZ; ulimit -f 20; exec "$0" --input-type=module -e "$1" "$2" "$3"';
    const child = spawn('sh', ['-c', limited, process.execPath, PROGRAM, MODULE, file], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const { code, message, count } = JSON.parse(await text(child.stdout));
    const lines = (await readFile(file, 'utf8')).split('\n');

    expect(code).toBe('unwritable_output');
    expect(message).toContain(`${file} cannot be written: `);
    expect(lines.pop()).toBe('');
    expect(lines.map((line) => JSON.parse(line).title.length)).toEqual(Array.from({ length: count }, () => 300));
  },
);
