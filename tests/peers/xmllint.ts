import { requireProgram, run } from './programs.ts';

/** Throws with libxml2's message, its line and column, when the text is not well-formed XML with well-formed namespaces. */
export async function xmllint(text: string): Promise<void> {
  const program = await requireProgram('xmllint');
  // An undeclared namespace prefix is printed, but leaves the exit code 0.
  const { stderr } = await run(program, ['--noout', '--nonet', '-'], { input: text });
  if (stderr !== '') throw new Error(`xmllint: ${stderr}`);
}

/**
 * The text of a piece of HTML, by libxml2's HTML parser. RSS readers take a `description` for HTML while Atom and JSON
 * Feed publish the same summary as plain text: this makes the two comparable.
 */
export async function htmlText(markup: string): Promise<string> {
  const program = await requireProgram('xmllint');
  const page = `<!DOCTYPE html><html><head><meta charset="utf-8"></head><body><div>${markup}</div></body></html>`;
  // HTML 5 elements are errors to a parser of HTML 4: it reads them all the same.
  const { stdout } = await run(program, ['--html', '--nonet', '--xpath', 'string(/html/body/div)', '-'], {
    input: page,
  });
  return stdout.replace(/\n$/, '');
}
