import { visibleControls } from '../../lib/text.ts';
import { type Html, html, type Part } from '../html.ts';
import type { ServiceStatus, StatusProblem } from '../service-status.ts';
import { code, mark, section } from './markup.ts';
import { nounFor } from './verdict.ts';
import { type Clock, capital, counted } from './wording.ts';

/** Problems that the page shows, and things wrong with each. */
const SHOWN = 10;
const SHOWN_DEFECTS = 5;

type Defect = StatusProblem['problems'][number];

/** What somebody has to put right, the worst first. Without needs, nothing. */
export function needsSections({ outage, needs, at }: ServiceStatus, clock: Clock): readonly Html[] {
  const { damage, disk, database, problemCount } = needs;
  return [
    ...(outage === undefined
      ? []
      : [
          sentences(
            'outage',
            'Why readers are not served',
            mark('bad'),
            outage,
            html`${code('/readyz')} says the same to a load balancer.`,
          ),
        ]),
    ...(damage === undefined ? [] : [sentences('damage', 'Damage in the store', mark('bad'), damage, DAMAGE)]),
    ...(disk === undefined ? [] : [sentences('disk', 'The disk', mark('warn'), disk, DISK)]),
    ...(database === undefined ? [] : [sentences('database', 'The database', mark('warn'), database, DATABASE)]),
    ...(problemCount === 0 ? [] : [problemsSection(needs, Date.parse(at), clock, outage === undefined)]),
  ];
}

const DAMAGE = html`The service refuses changes, answers 503 where it would have to show what is damaged, and serves the rest. Stop it and run ${code('verify')}. Then run ${code('repair')}, or restore a backup: docs/back-up-and-upgrade.md has the steps.`;
const DISK = 'As soon as there is room, the service goes on by itself. Feeds are served meanwhile.';
const DATABASE =
  'Start the database, or mend the network to it: the log has the reason. Readers are served meanwhile, and the service takes changes again by itself.';

function sentences(id: string, title: string, sign: Html, what: string, remedy: Part): Html {
  return section({ id, title, mark: sign, isWide: true, body: html`<p>${plain(what)}</p>\n<p>${remedy}</p>` });
}

function problemsSection(
  { problems, problemCount, damage, disk, database }: ServiceStatus['needs'],
  at: number,
  clock: Clock,
  isServed: boolean,
): Html {
  const shown = problems.slice(0, SHOWN);
  const others = problemCount - shown.length;
  const noun = nounFor(problems, problemCount);
  const isWhole = isServed && [damage, disk, database].every((need) => need === undefined);
  const isRest = others > 0 && shown.length > 0;
  const rest = html`<p>${isRest ? `And ${counted(others, `more ${noun}`)}.` : `${counted(others, noun)}.`} ${code('GET /api/problems')} on the service’s port lists all of them.</p>`;
  return section({
    id: 'refused',
    title: noun === 'problem' ? 'What is refused' : `Refused ${noun}s`,
    mark: mark('warn'),
    note: `${isWhole ? 'Everything else is published. ' : ''}Correct what is wrong where it comes from, and the problem is gone by itself.`,
    isWide: true,
    body: html`<ul>
${shown.map((problem) => problemItem(problem, at, clock))}</ul>${others > 0 && html`\n${rest}`}`,
  });
}

function problemItem(problem: StatusProblem, at: number, clock: Clock): Html {
  const { since, problems, kind, code: errorCode } = problem;
  const defects = problems.slice(0, SHOWN_DEFECTS);
  const others = problems.length - defects.length;
  const subject =
    kind === 'file' || kind === 'other_file' ? 'The file' : kind === 'rendering' ? 'The article' : 'The record';
  return html`<li class="file">
<p>${sourceOf(problem)}<br><span class="hush">since ${moment(since, at, clock)}${origin(problem)}</span></p>
<ul>
${defects.map((defect) => html`<li>${sentenceOf(defect, subject)}${place(defect)}</li>\n`)}${defects.length === 0 && html`<li>${subject} is refused: ${code(errorCode)}.</li>\n`}${others > 0 && html`<li>And ${counted(others, 'more problem')}.</li>\n`}</ul>
</li>
`;
}

function sourceOf({ path, article }: StatusProblem): Part {
  const text = path ?? article;
  return text === undefined || text === '' ? 'A record without an id' : code(text);
}

/** Where it comes from, if that is no file. */
function origin({ kind, key, format, article, path }: StatusProblem): Part {
  switch (kind) {
    case 'file':
    case 'other_file':
      return path !== undefined && article !== undefined && html`, article ${code(article)}`;
    case 'key':
      return key === undefined ? ', sent to the API' : html`, sent with the key ${code(key, 'auto')}`;
    case 'stored_record':
      return ', in the store: the article keeps its earlier version';
    case 'rendering':
      return html`, left out of feeds${format !== undefined && html` in ${code(format)}`}`;
  }
}

/** The time of day, and the day where that is not the one of the status. */
function moment(since: string, at: number, clock: Clock): Html {
  const from = Date.parse(since);
  const isToday = clock.key(from) === clock.key(at);
  return html`<time datetime="${since}">${isToday ? '' : `${clock.date(from)}, `}${clock.time(from)}</time>`;
}

/** A rule begins with a verb: `must be …`, `is …`. */
function sentenceOf({ field = '', value, rule }: Defect, subject: string): Html {
  const text = /[.?!…]$/.test(rule) ? rule : `${rule}.`;
  const words = plain(text);
  if (field === '' && /^and \d/.test(rule)) return html`${capital(text)}`;
  const about = field === '' ? subject : code(field);
  if (value === undefined || value === '') return html`${about} ${words}`;
  if (field === '') return html`${about} (${code(value, 'auto')}) ${words}`;
  return html`${about} is ${code(value, 'auto')}; it ${words}`;
}

/** A sentence of the service with values of others in it. */
function plain(sentence: string): Html {
  return html`<bdi>${visibleControls(sentence)}</bdi>`;
}

function place({ line, column }: Defect): Part {
  if (line === undefined) return undefined;
  return html` <span class="hush">Line ${line}${column !== undefined && `, column ${column}`}</span>`;
}
