import { requireProgram, run } from './programs.ts';
import { instant, type Reading, textOfHtml } from './reading.ts';

/** The document as sfeed (RSS and Atom) understood it. It prints one text, the first author and one date of each entry. */
export async function sfeed(text: string): Promise<readonly Reading[]> {
  const program = await requireProgram('sfeed');
  const { stdout } = await run(program, [], { input: text });
  return stdout.trimEnd().split('\n').map(toReading);
}

function toReading(line: string): Reading {
  const [date = '', title = '', link = '', content = '', type = '', id = '', author = ''] = line.split('\t');
  const body = content.replace(/\\(.)/g, (_, sign: string) => ESCAPED.get(sign) ?? sign);
  return {
    id,
    title,
    link,
    published: instant(Number(date) * 1000),
    authors: [author],
    // An RSS description is HTML, whether it has markup or not.
    body: type === 'html' && !body.includes('<') ? textOfHtml(body) : body,
  };
}

const ESCAPED = new Map([
  ['n', '\n'],
  ['t', '\t'],
]);
