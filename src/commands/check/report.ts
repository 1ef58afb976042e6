import type { Evidence } from '../../format/dialect/dialect.ts';
import { grouped } from '../damage-report.ts';
import { counted, type Terminal } from '../terminal.ts';
import type { Finding, Rule } from './rule.ts';
import { ALL_RULES } from './rules.ts';

/** The marks of docs/dialects.md in words. */
const EVIDENCE: Readonly<Record<Evidence, string>> = {
  D: 'the consumer’s own page',
  C: 'code or feeds that the consumer accepts',
  P: 'the press, or somebody else’s page',
  T: 'our own trial',
  M: 'memory',
};

/** Findings of one rule that the text lists. */
const MOST_LISTED = 5;

export interface Report {
  readonly add: (finding: Finding) => void;
  readonly errors: () => number;
  readonly warnings: () => number;
  /** Prints what is left to print, and the count as the last line. */
  readonly end: (outdated: readonly Rule[]) => void;
}

/** Counts findings by their level. */
function createCounts() {
  const counts = { error: 0, warning: 0 };
  return {
    add({ rule }: Finding): void {
      counts[rule.level] += 1;
    },
    errors: () => counts.error,
    warnings: () => counts.warning,
    /** `2 errors, 5 warnings` */
    line: () =>
      counts.error + counts.warning === 0
        ? 'no problems'
        : [grouped(counts.error, 'error'), grouped(counts.warning, 'warning')].join(', '),
  };
}

/** Collects findings, and prints them in groups: of each rule the first ones and how many more there are. */
export function createTextReport({ out, err }: Pick<Terminal, 'out' | 'err'>): Report {
  const counts = createCounts();
  const first = new Map<string, Finding[]>();
  const all = new Map<string, number>();

  function printRule({ id, level, title, consumer, evidence, source, read }: Rule): void {
    const listed = first.get(id) ?? [];
    if (listed.length === 0) return;
    const count = all.get(id) ?? 0;
    out(`${level}: ${title} (${id})`);
    for (const finding of listed) out(`  ${describeFinding(finding)}`);
    if (count > listed.length) out(`  and ${(count - listed.length).toLocaleString('en')} more; --json lists all`);
    const mark = evidence === undefined ? '' : ` Evidence: ${EVIDENCE[evidence]} (${evidence}).`;
    out(`  Consumer: ${consumer}. Source: ${source}, read on ${read}.${mark}`);
    out('');
  }

  return {
    add(finding) {
      const { id } = finding.rule;
      counts.add(finding);
      all.set(id, (all.get(id) ?? 0) + 1);
      const listed = first.get(id);
      if (listed === undefined) first.set(id, [finding]);
      else if (listed.length < MOST_LISTED) listed.push(finding);
    },
    errors: counts.errors,
    warnings: counts.warnings,
    end(outdated) {
      for (const rule of ALL_RULES) printRule(rule);
      if (outdated.length > 0) err(`${describeOutdated(outdated)} Read them again at their sources: docs/check.md.`);
      out(counts.line());
    },
  };
}

function describeOutdated(rules: readonly Rule[]): string {
  const named = rules.map(({ id, read }) => `${id} (read on ${read})`).join(', ');
  return `${counted(rules.length, 'rule')} of this version ${rules.length === 1 ? 'is' : 'are'} older than a year: ${named}.`;
}

/** `articles/en/ferry.json:1:69: title: has 160 characters … (value: …)` */
function describeFinding({ file, line, column, article, feed, field, value, message }: Finding): string {
  const place = file ?? (article === undefined ? (feed === undefined ? '' : `feed ${feed}`) : `article ${article}`);
  const location = [place, line, column].filter((part) => part !== undefined).join(':');
  const suffix = value === undefined ? '' : ` (value: ${value})`;
  return [location, field, `${message}${suffix}`].filter((part) => part !== '').join(': ');
}

/** Prints each finding as soon as it is found, so that a million of them take no memory. All lines together are one JSON text. */
export function createJsonReport({ out }: Pick<Terminal, 'out'>): Report {
  const counts = createCounts();
  /** The line that may need a comma. */
  let waiting: string | undefined;

  out('{"findings":[');
  return {
    add(finding) {
      counts.add(finding);
      if (waiting !== undefined) out(`${waiting},`);
      waiting = JSON.stringify(asJson(finding));
    },
    errors: counts.errors,
    warnings: counts.warnings,
    end(outdated) {
      if (waiting !== undefined) out(waiting);
      const rest = { errors: counts.errors(), warnings: counts.warnings(), outdatedRules: outdated.map(ruleAsJson) };
      out(`],${JSON.stringify(rest).slice(1)}`);
    },
  };
}

function asJson({ rule, ...sighting }: Finding): object {
  const { article, file, line, column, feed, field, value, message } = sighting;
  return { ...ruleAsJson(rule), article, file, line, column, feed, field, value, message };
}

function ruleAsJson({ id, level, consumer, evidence, source, read }: Rule): object {
  return { rule: id, level, consumer, evidence, source, read };
}
