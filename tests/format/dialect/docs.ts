import { join } from 'node:path';
import type { Dialect, DialectRule } from '../../../src/format/dialect/dialect.ts';

/** The parts of docs/dialects.md that say what the declarations of the dialects say. */

export const PAGE = join(import.meta.dirname, '../../../docs/dialects.md');

const MINUTE = 60_000;
/** The section after those of the dialects. */
const AFTER = '\n## What dialects of RSS have in common\n';
const ROWS = /^(?:\| \[[a-z0-9.-]+\]\(#.*\n)+/m;

/** The page with the row, the section and the rules of each dialect. What people have written in the sections stays. */
export function pageText(page: string, dialects: readonly Dialect[]): string {
  const withRows = page.replace(ROWS, () => dialects.map((dialect) => `${overviewRow(dialect)}\n`).join(''));
  return dialects.reduce(withSection, withRows);
}

function withSection(page: string, dialect: Dialect): string {
  const heading = `\n## ${dialect.name}\n`;
  const start = page.indexOf(heading);
  if (start === -1) return page.replace(AFTER, () => `${newSection(dialect)}${AFTER}`);
  const end = page.indexOf('\n## ', start + heading.length);
  const section = page.slice(start, end);
  return `${page.slice(0, start)}${withRules(section, rulesTable(dialect))}${page.slice(end)}`;
}

function newSection(dialect: Dialect): string {
  const { name, title, warning } = dialect;
  const about = warning === undefined ? `The feed of ${title}.` : warning;
  return withRules(`\n## ${name}\n\n${about}\n`, rulesTable(dialect));
}

/** A section with its rules, which are its last table. */
function withRules(section: string, rules: string): string {
  const table = section.indexOf(`\n${RULES_HEAD}`);
  const text = table === -1 ? section : section.slice(0, table);
  return rules === '' ? text : `${text.trimEnd()}\n\n${rules}\n`;
}

/** A dialect's row in the table of dialects. */
function overviewRow({ name, title, status, formats, contentTypes, defaults, withdrawal }: Dialect): string {
  const { entries, content, age } = defaults;
  const types = contentTypes.length === 1 ? '' : ` of ${contentTypes.join(', ')}`;
  const window = `${entries} stories${age === undefined ? '' : ` of ${lengthOf(age)}`}, ${content}`;
  return `| [${name}](#${name.replaceAll('.', '')}) | ${title} | ${status} | ${Object.keys(formats).join(', ')}${types} | ${window} | ${withdrawal} |`;
}

function lengthOf(age: number): string {
  const hours = age / (60 * MINUTE);
  return hours % 24 === 0 && hours > 24 ? `${hours / 24} days` : `${hours} hours`;
}

const RULES_HEAD = '| rule | level | what the consumer asks | source |';

/** The table with the rules of a dialect; empty where it has none. */
function rulesTable({ rules, feedRules = [] }: Dialect): string {
  const all = [
    ...rules.map((rule) => ruleRow(rule, rule.level)),
    ...feedRules.map((rule) => ruleRow(rule, 'warn (feed)')),
  ];
  if (all.length === 0) return '';
  return [RULES_HEAD, '| --- | --- | --- | --- |', ...all].join('\n');
}

function ruleRow({ id, asks, evidence, source, read }: Omit<DialectRule, 'level' | 'field' | 'breach'>, level: string) {
  return `| ${id} | ${level} | ${asks.replaceAll('|', '\\|')} | [${evidence}](${source}) ${read} |`;
}
