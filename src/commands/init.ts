import { lstatSync, mkdirSync, readdirSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { UNREGISTERED_LANGUAGE } from '../article/warnings.ts';
import { OPTIONS } from '../config/options.ts';
import { brokenRule, parsePublication } from '../config/publication.ts';
import { excerpt, PublisherError } from '../errors.ts';
import { didYouMean } from '../lib/nearest-word.ts';
import { isRegisteredLanguage } from '../lib/registered-language.ts';
import { lineText } from '../lib/text.ts';
import { optionsHelp, readArguments, unwritable, usage } from './arguments.ts';
import type { Command } from './command.ts';
import { FIRST_ARTICLE, type NewNewsroom, newsroomFiles } from './new-newsroom.ts';
import type { Terminal } from './terminal.ts';
import { openQuestions } from './typed-answer.ts';

const HELP = `Usage: feed-publisher init FOLDER [options]

Makes a newsroom: a data folder with publication.yaml, a first article, and folders for articles and pictures. On a terminal, the
command asks for what the options do not say. Elsewhere it asks nothing, and takes the name of the folder for the title and
https://www.example.com for the address. FOLDER must be new or empty; hidden files, such as .git, may be in it. Nothing is overwritten.

${optionsHelp(OPTIONS.init)}`;

export const command: Command = { help: HELP, run };

/** A name for examples (RFC 2606): the service says that it is one. */
const PLACEHOLDER_URL = 'https://www.example.com';

type Field = keyof NewNewsroom;
type Given = { readonly [Name in Field]?: string | undefined };

async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  const { values, positionals } = readArguments(OPTIONS.init, { args, env: terminal.env, allowPositionals: true });
  const given = trimmed(values);
  const [name, surplus] = positionals;
  if (name === undefined || name === '') throw usage('“init” needs the FOLDER of the new newsroom.');
  if (surplus !== undefined) throw usage(`Unexpected argument “${surplus}”: quote a FOLDER that has spaces.`);
  const folder = resolve(name);
  const hidden = hiddenFilesIn(folder);
  checkOptions(given);
  const newsroom = await decide(given, suggestionsFor(folder), terminal);
  if (newsroom === undefined) {
    terminal.screen.write('\n'); // behind the question
    terminal.err('Nothing was made.');
    return 1;
  }
  const files = newsroomFiles(newsroom, folder, Date.now()).filter(([path]) => !hidden.has(path));
  for (const [path, text] of files) if (path === 'publication.yaml') parsePublication(text, join(folder, path));
  terminal.onStop(() => {}); // a signal waits until the newsroom is whole
  makeNewsroom(folder, files);
  for (const line of nextSteps(folder, newsroom, files)) terminal.out(line);
  return 0;
}

/**
 * The hidden files that are in a folder, if it exists.
 *
 * @throws PublisherError `unwritable_output` if anything else is in it, or if it is no folder
 */
function hiddenFilesIn(folder: string): ReadonlySet<string> {
  const names = namesIn(folder);
  const others = names.filter((name) => !name.startsWith('.'));
  if (others.length === 0) return new Set(names);
  const [first = ''] = others;
  const rest = others.length === 1 ? '' : ` and ${others.length - 1} more`;
  throw new PublisherError('unwritable_output', `${folder} is not empty: it has “${excerpt(first)}”${rest}.`, {
    hint: others.includes('publication.yaml')
      ? `It is a newsroom already. Serve it: npm start -- --data ${quoted(folder)}`
      : 'Name a folder that does not exist yet, or an empty one.',
  });
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder).sort();
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT') return [];
    if (code !== 'ENOTDIR') throw unwritable(folder, error);
    throw new PublisherError('unwritable_output', `${folder} is a file, or below a file: it cannot be a folder.`, {
      hint: 'Name a folder that does not exist yet, or an empty one.',
      cause: error,
    });
  }
}

/** Words of a title are one line, as in publication.yaml. */
function trimmed({ title, url, language }: Given): Given {
  return { title: title === undefined ? undefined : lineText(title), url: url?.trim(), language: language?.trim() };
}

/** @throws PublisherError `usage` in the words with which publication.yaml is refused */
function checkOptions(values: Given): void {
  for (const field of ['title', 'url', 'language'] as const) {
    const value = values[field];
    const rule = value === undefined ? undefined : ruleFor(field, value);
    if (rule !== undefined) throw usage(`--${field} ${rule} (value: ${excerpt(value ?? '')})`);
  }
}

function ruleFor(field: Field, value: string): string | undefined {
  const rule = brokenRule(field, value);
  if (rule === undefined && field === 'language' && !isRegisteredLanguage(value)) return UNREGISTERED_LANGUAGE;
  if (rule === undefined || field !== 'url') return rule;
  const whole = `https://${value}`;
  const isHost = /^[^\s/:]+\.[^\s/:]+(?:\/\S*)?$/.test(value) && brokenRule('url', whole) === undefined;
  return rule + didYouMean(isHost ? whole : undefined);
}

function suggestionsFor(folder: string): NewNewsroom {
  const words = lineText(basename(folder).replace(/[-_]+/g, ' '));
  const title = words.replace(/(?<![\p{L}\p{M}\p{N}'’])\p{Ll}/gu, (letter) => letter.toUpperCase());
  const isTitle = brokenRule('title', title) === undefined;
  return { title: isTitle ? title : 'My Newsroom', url: PLACEHOLDER_URL, language: OPTIONS.init.language.defaultHelp };
}

const QUESTIONS: Readonly<Record<Field, string>> = {
  title: 'Title of the publication',
  url: 'Address of its own site',
  language: 'Language of its articles, as en, ckb or pt-BR',
};

/** Returns what the options say, and for the rest what a person answers, or what is suggested. Undefined after Ctrl-C. */
async function decide(given: Given, suggested: NewNewsroom, terminal: Terminal): Promise<NewNewsroom | undefined> {
  const keyboard = terminal.input?.();
  const open = (['title', 'url', 'language'] as const).filter((field) => given[field] === undefined);
  const decided: Record<Field, string> = { ...suggested };
  for (const field of ['title', 'url', 'language'] as const) decided[field] = given[field] ?? suggested[field];
  if (keyboard?.isTTY !== true || open.length === 0) return decided;
  const questions = await openQuestions(keyboard, terminal.screen);
  try {
    for (const field of open) {
      const answer = await validAnswer(field, suggested[field]);
      if (answer === undefined) return undefined;
      decided[field] = answer;
    }
    return decided;
  } finally {
    questions.close();
  }

  async function validAnswer(field: Field, suggestion: string): Promise<string | undefined> {
    for (;;) {
      const typed = await questions.ask(`${QUESTIONS[field]} [${suggestion}]: `);
      if (typed === undefined) return undefined;
      const answer = typed === '' ? suggestion : field === 'title' ? lineText(typed) : typed;
      const rule = ruleFor(field, answer);
      if (rule === undefined) return answer;
      terminal.err(`It ${rule}`);
    }
  }
}

/**
 * Makes the folder and its files, or nothing. What another program puts there meanwhile stays.
 *
 * @throws PublisherError `unwritable_output`
 */
export function makeNewsroom(folder: string, files: Iterable<readonly [path: string, text: string]>): void {
  const undo: (() => void)[] = [];
  const makeFolder = (path: string) => {
    mkdirSync(path);
    undo.push(() => rmdirSync(path)); // as long as it is empty
  };
  try {
    for (const path of missingFolders(folder)) makeFolder(path);
    for (const name of ['articles', 'media']) makeFolder(join(folder, name));
    for (const [path, text] of files) {
      const file = join(folder, path);
      writeFileSync(file, text, { flag: 'wx' }); // another process may have made it since
      undo.push(() => rmSync(file));
    }
  } catch (error) {
    for (const step of undo.reverse()) attempt(step);
    throw unwritable(folder, error);
  }
}

function attempt(step: () => void): void {
  try {
    step();
  } catch {} // another program has put something there, or has removed it
}

/** A link that leads nowhere is there as well. */
function isThere(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

/** The folders on the way to one that have to be made, and itself, the outermost first. */
function missingFolders(folder: string): string[] {
  const missing: string[] = [];
  for (let path = folder; !isThere(path); path = dirname(path)) missing.unshift(path);
  return missing;
}

function nextSteps(folder: string, { title, url }: NewNewsroom, files: readonly [string, string][]): string[] {
  const hasIgnore = files.some(([path]) => path === '.gitignore');
  return [
    `The newsroom “${lineText(title)}” is in ${folder}:`,
    '  publication.yaml     its settings',
    `  ${FIRST_ARTICLE}  a first article`,
    '  media/               for pictures and sound',
    '',
    'What to do next:',
    `  1. Serve it: npm start -- --data ${quoted(folder)}`,
    '  2. Open http://localhost:8080/ in a browser.',
    `  3. Write a second article beside ${FIRST_ARTICLE}.`,
    `  4. Find mistakes before readers do: npm start -- check --data ${quoted(folder)}`,
    ...(url === PLACEHOLDER_URL
      ? [`  5. Before readers subscribe, set url in publication.yaml: ${url} is a placeholder.`]
      : []),
    ...(hasIgnore ? [] : ['The folder has a .gitignore of its own: add the line /store/ to it.']),
  ];
}

/** A path as a shell reads it. */
function quoted(path: string): string {
  if (/^[\p{L}\p{N}\p{M}_./:@\\-]+$/u.test(path)) return path;
  return process.platform === 'win32' ? `"${path}"` : `'${path.replaceAll("'", "'\\''")}'`;
}
