import { visibleControls } from '../../lib/text.ts';
import { type Html, html, type Part } from '../html.ts';

/** The colours of plots in the stylesheet: rule, tint, link, deep, bad, soft. */
export type Colour = 'k0' | 'k1' | 'k2' | 'k3' | 'k4' | 'k5';

export interface Section {
  /** Of the element, unique on the page. */
  readonly id: string;
  readonly title: string;
  /** A shape before the title. */
  readonly mark?: Html;
  /** What stands below the title, small. */
  readonly note?: Part;
  /** Whether it takes both columns of a wide screen. */
  readonly isWide?: boolean;
  readonly body: Part;
}

export function section({ id, title, mark, note, isWide = false, body }: Section): Html {
  return html`<section class="group${isWide && ' full'}" aria-labelledby="${id}">
<h2 id="${id}">${mark !== undefined && html`${mark} `}${title}</h2>
${note !== undefined && html`<p class="hush">${note}</p>\n`}${body}
</section>
`;
}

interface Column {
  readonly title: string;
  readonly isNumber?: boolean;
  /** Columns below this title: a bar and its number. */
  readonly span?: 2;
  readonly isWide?: boolean;
}

/** A table that scrolls within itself where a screen is too narrow. The first cell of a row names the row. */
export function table(label: string, columns: readonly Column[], rows: readonly Html[]): Html {
  const heads = columns.map(({ title, isNumber, span, isWide }) => {
    const classes = [...(isNumber ? ['num'] : []), ...(isWide ? ['wide'] : [])].join(' ');
    return html`<th scope="col"${classes !== '' && html` class="${classes}"`}${span !== undefined && html` colspan="${span}"`}>${title}</th>`;
  });
  return html`<div class="scroll" role="group" tabindex="0" aria-labelledby="${label}">
<table>
<thead><tr>${heads}</tr></thead>
<tbody>
${rows}</tbody>
</table>
</div>`;
}

/** A row: its name, and its cells. */
export function row(name: Part, cells: readonly Html[]): Html {
  return html`<tr><th scope="row">${name}</th>${cells}</tr>\n`;
}

export function cell(content: Part): Html {
  return html`<td>${content}</td>`;
}

export function numberCell(content: Part): Html {
  return html`<td class="num">${content}</td>`;
}

/** A name, value or address of others. Controls are visible, and cannot turn what stands around it. */
export function code(text: string, direction: 'ltr' | 'auto' = 'ltr'): Html {
  return html`<code><bdi${direction === 'ltr' && html` dir="ltr"`}>${visibleControls(text)}</bdi></code>`;
}

/** The colour of a series, before its name. */
export function swatch(colour: Colour): Html {
  return html`<svg class="sw" viewBox="0 0 10 10" aria-hidden="true"><rect class="${colour}" width="10" height="10"/></svg> `;
}

const MARKS = {
  good: html`<svg class="mk good" viewBox="0 0 10 10" aria-hidden="true"><circle cx="5" cy="5" r="5"/></svg>`,
  warn: html`<svg class="mk warn" viewBox="0 0 10 10" aria-hidden="true"><path d="M5 0l5 10H0z"/></svg>`,
  bad: html`<svg class="mk k4" viewBox="0 0 10 10" aria-hidden="true"><path d="M0 0h10v10H0z"/></svg>`,
};

/** A circle, a triangle or a square. The words beside it say the same. */
export function mark(kind: keyof typeof MARKS): Html {
  return MARKS[kind];
}
