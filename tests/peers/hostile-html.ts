/** Bodies that run a script, load something or change their meaning in a browser, if a sanitizer reads them otherwise. */

/** What each way of hiding it should not let through. */
const RUNS = '<img src=x onerror=ran()>';

/** Elements that a browser reads as raw text, or in another language, in some places and not in others. */
const HIDING =
  'style script title textarea xmp noscript noembed noframes iframe template plaintext listing select option svg math ' +
  'desc foreignObject mtext mglyph annotation-xml form table frameset head a p';

function hidden(): string[] {
  return HIDING.split(' ').flatMap((name) => [
    `<${name}>${RUNS}</${name}>`,
    `<${name}><a title="</${name}>${RUNS}">a</a>`,
    `<${name}><!-- </${name}>${RUNS} --></${name}>`,
    `<svg><${name}><style><a title="</style>${RUNS}"></${name}></svg>`,
    `<math><mtext><table><mglyph><${name}><!-- </${name}><a title="-->${RUNS}">`,
    `<math><annotation-xml encoding="text/html"><${name}>${RUNS}</annotation-xml></math>`,
    `<svg><foreignObject><${name}><p>a</foreignObject></svg>${RUNS}</p>`,
    `<form><${name}></form><form><math><mtext></form><style></math>${RUNS}</style>`,
    `<table><${name}><tr><td>${RUNS}</${name}></table>`,
    `<${name}/>${RUNS}</${name}/>${RUNS}</${name} a="${RUNS}">`,
  ]);
}

/** Elements and events that run at once, or when something is loaded. */
const AT_ONCE = [
  '<script>ran()</script>',
  '<scr<script>ipt>ran()</scr</script>ipt>',
  '<script src="data:text/javascript,ran()"></script>',
  '<svg onload=ran()><svg/onload=ran()><svg\tonload\n=\fran()>',
  '<svg><script>ran()</script><script href="data:,ran()"/><animate onbegin=ran() attributeName=x dur=1s></svg>',
  '<svg><set attributeName=onmouseover to=ran()><use href="data:image/svg+xml,<svg id=a><script>ran()</script></svg>#a">',
  '<body onload=ran()><frameset onload=ran()><marquee onstart=ran()>a</marquee>',
  '<details open ontoggle=ran()><summary>a</summary></details>',
  '<input autofocus onfocus=ran()><select autofocus onfocus=ran()><textarea autofocus onfocus=ran()></textarea>',
  '<video src=x onerror=ran()></video><video><source src=x onerror=ran()></video><audio src=x onerror=ran()></audio>',
  '<img src=x:x onerror=ran() alt=`a`><image src=x onerror=ran()><img srcset="x 1x" onerror=ran()><img/src=x/onerror=ran()>',
  '<object data="javascript:ran()"></object><embed src="javascript:ran()"><applet code="javascript:ran()"></applet>',
  '<object data="data:text/html,<script>parent.ran()</script>"></object>',
  '<iframe srcdoc="<script>parent.ran()</script>"></iframe><iframe src="javascript:parent.ran()"></iframe>',
  '<iframe src="data:text/html,<script>parent.ran()</script>"></iframe><iframe src="/elsewhere"></iframe>',
  '<iframe src="https://www.youtube.com@evil.example/embed/a"></iframe><iframe src="//evil.example/embed/a"></iframe>',
  '<meta http-equiv=refresh content="0;url=javascript:ran()"><base href="javascript:ran()//"><link rel=stylesheet href=x>',
  '<style>@import "x"; * { background: url(x) }</style><p style="background:url(x);-moz-binding:url(x)">a</p>',
  '<form action="javascript:ran()"><button formaction="javascript:ran()" autofocus onfocus=ran()>a</button></form>',
  '<p id=x tabindex=0 autofocus onfocus=ran() onanimationstart=ran() style="animation:a">a</p><x onclick=ran()>a</x>',
];

/** Addresses that run, as a browser reads them. */
const ADDRESSES = [
  'javascript:ran()',
  ' \u0001javascript:ran()',
  'JaVaScRiPt:ran()',
  'java\tscript:ran()',
  'java&Tab;script&colon;ran()',
  'java&#10;script&#58ran()',
  '&#x6a&#x61vascript:ran()',
  '\u0000javascript:ran()',
  'javascript://a%0Aran()',
  'vbscript:ran()',
  'data:text/html,<script>ran()</script>',
  'data:image/svg+xml;base64,PHN2Zz4=',
  'feed:javascript:ran()',
  'view-source:javascript:ran()',
  'blob:ran()',
];

const PLACES: readonly ((address: string) => string)[] = [
  (address) => `<a href="${address}" ping="${address}">a</a><a href='${address}'>b</a><a href=${address}>c</a>`,
  (address) =>
    `<img src="${address}" srcset="${address} 1x, /b 2x"><video poster="${address}" src="${address}"></video>`,
  (address) =>
    `<q cite="${address}">a</q><iframe src="${address}"></iframe><embed src="${address}"><object data="${address}">`,
  (address) =>
    `<svg><a xlink:href="${address}"><text>a</text></a></svg><math href="${address}"><mi xlink:href="${address}">a`,
  (address) =>
    `<table background="${address}"><td background="${address}"></table><area href="${address}"><form action="${address}">`,
];

/** Marks that end a tag, a comment, an attribute or an element where a simple reader does not expect it. */
const BROKEN = [
  `<!--><a title="-->${RUNS}">`,
  `<!-- --!>${RUNS}<!-- -->`,
  `<!---><p>${RUNS}</p>-->`,
  `<![CDATA[<p title="]]>${RUNS}">]]>`,
  `<svg><![CDATA[</svg>${RUNS}]]></svg>`,
  `<?xml ?>${RUNS}<? > ${RUNS} ?>`,
  `<!doctype a "${RUNS}">`,
  `</p title=">${RUNS}">`,
  `<p title='"'>"'>${RUNS}'>`,
  `<p title="a"title='>${RUNS}'>`,
  `<p/title=">"/>${RUNS}`,
  `<p\u0000 title="\u0000>${RUNS}">`,
  `<p "=">${RUNS}">a</p><p =">${RUNS}">`,
  '&lt;img src=x onerror=ran()&gt;',
  '&amp;lt;img src=x onerror=ran()&amp;gt;',
  '<p title="&lt;/p&gt;&lt;img src=x onerror=ran()&gt;">a</p><p title="&quot;><img src=x onerror=ran()>">b</p>',
  '<img alt="`><img src=x onerror=ran()>" src="x">',
  '<b><i><a href="/a"><p><b><i><a href="/b"><table><b><a href="/c"></b><td><a href="/d"><img src=x onerror=ran()></table></a>',
  `<table><a><tr><p><table><td>${RUNS}<svg></td></svg><td></table></a>`,
  `<svg></p><style><a title="</style>${RUNS}">`,
  `<math></p><style><!--</style><img title="--><img src=x onerror=ran()>">`,
  `<svg><p><style><g title="</style>${RUNS}"></g></style></p></svg>`,
  `<svg><desc><noscript><a title="</noscript>${RUNS}"></noscript></desc></svg>`,
  `${'<b>'.repeat(60)}<p>${'</b>'.repeat(30)}${RUNS}`,
  `${'<svg>'.repeat(40)}</p>${RUNS}`,
  `${'<div>'.repeat(90)}<table><tr><svg><style></table>${RUNS}</style>`,
];

export const HOSTILE: readonly string[] = [
  ...hidden(),
  ...AT_ONCE,
  ...ADDRESSES.flatMap((address) => PLACES.map((place) => place(address))),
  ...BROKEN,
];
