import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from './processes.ts';
import { requireProgram, run } from './programs.ts';

/**
 * Throws with libxml2's message, its line and column, when one of the texts is not well-formed XML with well-formed namespaces.
 * One process reads all of them.
 */
export async function xmllint(texts: readonly string[]): Promise<void> {
  const program = await requireProgram('xmllint');
  const folder = await temporaryFolder('xmllint');
  try {
    const files = texts.map((_, index) => join(folder.path, `${index}.xml`));
    await Promise.all(files.map((file, index) => writeFile(file, texts[index] ?? '')));
    // An undeclared namespace prefix is printed, but leaves the exit code 0.
    const { stderr } = await run(program, ['--noout', '--nonet', ...files]);
    if (stderr !== '') throw new Error(`xmllint: ${stderr}`);
  } finally {
    await folder.remove();
  }
}
