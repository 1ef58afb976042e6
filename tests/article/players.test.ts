import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import sanitizeHtml from 'sanitize-html';
import { describe, expect, test } from 'vitest';
import type { Adjustment } from '../../src/article/adjustments.ts';
import { PLAYERS, sandboxOf } from '../../src/article/normalize/players.ts';
import { sanitizeBody } from '../../src/article/sanitize.ts';
import { TEXTLESS } from '../../src/article/sanitize-rules.ts';
import { linkTarget } from '../../src/lib/url.ts';

function toTarget(reference: string): string | undefined {
  return linkTarget(reference, 'https://news.example/a');
}

function clean(html: string): { body: string; changes: string[] } {
  const changes: string[] = [];
  const onAdjustment = ({ change }: Adjustment) => changes.push(change);
  return { body: sanitizeBody(html, toTarget, true, onAdjustment) ?? '', changes };
}

const SANDBOX = 'allow-scripts allow-same-origin allow-popups allow-popups-to-escape-sandbox';
const YOUTUBE = 'https://www.youtube.com/embed/a';
/** The iframe of a film of YouTube. */
const FILM = `<iframe src="${YOUTUBE}" sandbox="${sandboxOf(YOUTUBE)}"></iframe>`;

describe('the address of a player', () => {
  test.each([
    ['in capitals', 'HTTPS://WWW.YOUTUBE.COM/embed/a'],
    ['without a scheme', '//www.youtube.com/embed/a'],
    ['with backslashes', 'https:\\\\www.youtube.com\\embed\\a'],
    ['with tabs and line ends', ' ht&#9;tps://www.you\ntube.com/em&#10;bed/a '],
    ['with a host in full-width letters', 'https://ｗｗｗ.ｙｏｕｔｕｂｅ.ｃｏｍ/embed/a'],
    ['with a host in percent signs', 'https://www.%79outube.com/embed/a'],
    ['with dots in the path', 'https://www.youtube.com/x/../embed/./a'],
    ['with an empty user', 'https://@www.youtube.com/embed/a'],
  ])('%s is the one that a browser reads', (_, src) => {
    expect(clean(`<iframe src="${src}"></iframe>`)).toEqual({ body: FILM, changes: [] });
  });

  test.each([
    ['the port of https', 'https://www.youtube.com:443/embed/a', []],
    ['an empty port', 'https://www.youtube.com:/embed/a', []],
    ['http', 'http://www.youtube.com/embed/a', ['changed the address of the iframe of www.youtube.com']],
    [
      'http and its port',
      'http://www.youtube.com:80/embed/a',
      ['changed the address of the iframe of www.youtube.com'],
    ],
  ])('%s becomes https without a port', (_, src, changes) => {
    expect(clean(`<iframe src="${src}"></iframe>`)).toEqual({ body: FILM, changes });
  });

  test.each([
    ['a port', 'https://www.youtube.com:8443/embed/a', 'www.youtube.com'],
    ['the port of http with https', 'https://www.youtube.com:80/embed/a', 'www.youtube.com'],
    ['the port of https with http', 'http://www.youtube.com:443/embed/a', 'www.youtube.com'],
    ['a user', 'https://user@www.youtube.com/embed/a', 'www.youtube.com'],
    ['a password', 'https://:secret@www.youtube.com/embed/a', 'www.youtube.com'],
    ['a host as its user', 'https://www.youtube.com@evil.example/embed/a', 'evil.example'],
    ['a host as its user, with a backslash', 'https://evil.example\\@www.youtube.com/embed/a', 'evil.example'],
    ['a dot at the end of its host', 'https://www.youtube.com./embed/a', 'www.youtube.com.'],
    ['a host before it', 'https://www.youtube.com.evil.example/embed/a', 'www.youtube.com.evil.example'],
    ['a letter of another script', 'https://www.уoutube.com/embed/a', 'www.xn--outube-vrf.com'],
    ['a number as its host', 'https://3639551848/embed/a', '216.239.39.104'],
  ])('with %s is no player: the iframe goes, and is reported', (_, src, host) => {
    const { body, changes } = clean(`<iframe src="${src}"></iframe>`);

    expect(body).toMatch(/^<p><a href="https?:[^"]+">[^<]+<\/a><\/p>$/);
    expect(body).not.toMatch(/\/\/[^/"]*@/);
    expect(changes).toEqual([`replaced the iframe of ${host} by a link`]);
  });

  test.each(['ftp://www.youtube.com/embed/a', 'wss://www.youtube.com/embed/a', 'about:blank', 'data:,a', 'blob:a', ''])(
    '%j is none',
    (src) => {
      expect(clean(`<iframe src="${src}"></iframe>`)).toEqual({
        body: '',
        changes: ['removed the iframe without an address'],
      });
    },
  );

  // The sanitizer does not rely on the step before it.
  test.each([
    'http://www.youtube.com/embed/a',
    'https://www.youtube.com:8443/embed/a',
    'https://u@www.youtube.com/embed/a',
  ])('is checked again where it is sanitized: %s', (other) => {
    let asked = 0;
    const resolve = () => {
      asked += 1;
      return asked === 1 ? YOUTUBE : other;
    };
    expect(sanitizeBody(`<iframe src="${YOUTUBE}"></iframe>`, resolve)).not.toContain('src=');
    expect(asked).toBeGreaterThan(1);
  });
});

describe('the iframe of a player', () => {
  test.each([
    ['none', ''],
    ['an empty one', 'sandbox'],
    ['a weaker one', 'sandbox="allow-top-navigation allow-scripts allow-same-origin allow-modals"'],
    ['a stronger one', 'sandbox="allow-scripts"'],
    ['one in capitals', 'SANDBOX="ALLOW-TOP-NAVIGATION"'],
    ['two of them', 'sandbox="allow-top-navigation" sandbox="allow-scripts"'],
  ])('has the sandbox of its host where the record has %s', (_, attribute) => {
    const { body, changes } = clean(`<iframe ${attribute} src="${YOUTUBE}"></iframe>`);

    expect(body).toBe(FILM);
    expect(changes).toEqual(attribute === '' ? [] : ['replaced the sandbox attribute']);
  });

  test('with the same sandbox in another order is not reported', () => {
    const sandbox = sandboxOf(YOUTUBE).split(' ').toReversed().join('\n').toUpperCase();
    expect(clean(`<iframe sandbox=" ${sandbox} " src="${YOUTUBE}"></iframe>`)).toEqual({ body: FILM, changes: [] });
  });

  test.each([
    ['an embed', `<embed src="${YOUTUBE}" sandbox="allow-top-navigation">`],
    ['an object', `<object data="${YOUTUBE}" sandbox="allow-top-navigation"></object>`],
    ['an iframe of AMP', `<amp-iframe src="${YOUTUBE}" sandbox="allow-top-navigation"></amp-iframe>`],
    ['a film that is loaded late', `<iframe data-src="${YOUTUBE}" sandbox="allow-top-navigation"></iframe>`],
    ['the page of a film', `<iframe src="https://youtu.be/a" sandbox="allow-top-navigation"></iframe>`],
  ])('has it in the place of %s', (_, html) => {
    expect(clean(html).body).toBe(FILM);
  });

  test('has nothing that runs, names or nests', () => {
    const inner = '<iframe src="https://evil.example/"></iframe>';
    const html = `<iframe src="${YOUTUBE}" srcdoc="<b>x</b>" onload="x()" name="y" id="z" csp="x" credentialless allow="camera; fullscreen">${inner}`;

    expect(clean(html).body).toBe(
      `<iframe src="${YOUTUBE}" allow="fullscreen" sandbox="${sandboxOf(YOUTUBE)}"></iframe>`,
    );
    expect(clean('<iframe srcdoc="<script>x()</script>"></iframe>').body).toBe('');
  });

  test('may run scripts and open pages for every host, and never leads the page of the reader away', () => {
    for (const { host, sandbox } of PLAYERS.values()) {
      const tokens = sandbox.split(' ');

      expect(tokens, host).toEqual(expect.arrayContaining(SANDBOX.split(' ')));
      expect(
        tokens.filter((token) => /top-navigation|modals|pointer-lock/.test(token)),
        host,
      ).toEqual([]);
      expect(new Set(tokens).size, host).toBe(tokens.length);
    }
  });

  test('is described in docs/records.md, host by host', () => {
    const page = readFileSync(join(import.meta.dirname, '../../docs/records.md'), 'utf8');
    const rows = page.split('\n').filter((line) => line.startsWith('|') && line.includes('`allow-'));
    const described = new Map(
      rows.flatMap((row) => {
        const [, hosts = '', tokens = ''] = row.split('|');
        const sandbox = [...tokens.matchAll(/`([^`]+)`/g)].map(([, token]) => token).join(' ');
        return [...hosts.matchAll(/`([^`]+)`/g)].map(([, host = '']) => [host, sandbox] as const);
      }),
    );

    expect(described).toEqual(new Map([...PLAYERS.values()].map(({ host, sandbox }) => [host, sandbox])));
  });
});

describe('the elements whose text goes', () => {
  /** The elements of HTML, MathML and SVG, of today and of former days. */
  const NAMES =
    'a abbr acronym address annotation annotation-xml applet area article aside audio b base basefont bdi bdo bgsound ' +
    'big blink blockquote body br button canvas caption center cite code col colgroup command data datalist dd del ' +
    'desc details dfn dialog dir div dl dt em embed fieldset figcaption figure font footer foreignobject form frame ' +
    'frameset h1 h2 h3 h4 h5 h6 head header hgroup hr html i iframe image img input ins isindex kbd keygen label ' +
    'legend li link listing main map mark marquee math menu menuitem meta meter mi mn mo ms mtext multicol nav nextid ' +
    'nobr noembed noframes noscript object ol optgroup option output p param picture plaintext portal pre progress q ' +
    'rb rp rt rtc ruby s samp script search section select slot small source spacer span strike strong style sub ' +
    'summary sup svg table tbody td template textarea tfoot th thead time title tr track tt u ul var video wbr xmp';
  /** Elements with raw text and with escapable raw text (HTML §13.1.2), and those that a parser reads in this way. */
  const RAW_TEXT = 'script style textarea title xmp iframe noembed noframes noscript plaintext';

  test('are at least those that the library has by default', () => {
    const byDefault = NAMES.split(' ').filter(
      (name) => sanitizeHtml(`<${name}>a</${name}>`, { allowedTags: [] }) === '',
    );

    expect(byDefault).toEqual(expect.arrayContaining(['script', 'style', 'textarea', 'option', 'xmp']));
    expect(TEXTLESS).toEqual(expect.arrayContaining(byDefault));
  });

  test('are at least those whose text a browser does not read as HTML, but iframes, which have none', () => {
    const raw = RAW_TEXT.split(' ').filter((name) => name !== 'iframe');

    expect(TEXTLESS).toEqual(expect.arrayContaining([...raw, 'template', 'svg', 'math']));
    expect(clean(`<iframe src="${YOUTUBE}"><b>x</b></iframe>`).body).toBe(FILM);
  });

  test('are described in docs/records.md', () => {
    const page = readFileSync(join(import.meta.dirname, '../../docs/records.md'), 'utf8');

    expect(page.replace(/\s+/g, ' ')).toContain(TEXTLESS.map((name) => `\`${name}\``).join(', '));
  });

  test.each([
    '<svg><style><img src=x onerror=a()></style></svg>',
    '<math><style><img src=x onerror=a()></style></math>',
    '<math><mtext><xmp></math><img src=x onerror=a()>',
    '<template><xmp><img src=x onerror=a()></xmp></template>',
    '<svg><title><xmp></svg><img src=x onerror=a()>',
    '<noembed><noframes></noembed><img src=x onerror=a()>',
    '<plaintext><img src=x onerror=a()>',
    '<xmp><img src=x onerror=a()></xmp>',
    '<listing>&lt;img src=x onerror=a()&gt;</listing>',
    '<textarea></textarea/><img src=x onerror=a()>',
    '<title><a title="</title><img src=x onerror=a()>">',
  ])('leave no markup that runs: %s', (html) => {
    expect(clean(html).body).not.toMatch(/<[^>]*onerror/);
  });
});
