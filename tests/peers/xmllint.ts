import { requireProgram, run } from './programs.ts';

/** Throws with libxml2's message, its line and column, when the text is not well-formed XML with well-formed namespaces. */
export async function xmllint(text: string): Promise<void> {
  const program = await requireProgram('xmllint');
  // An undeclared namespace prefix is printed, but leaves the exit code 0.
  const { stderr } = await run(program, ['--noout', '--nonet', '-'], { input: text });
  if (stderr !== '') throw new Error(`xmllint: ${stderr}`);
}
