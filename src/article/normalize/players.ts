/** The players, maps and charts that newsrooms embed. */

export interface Player {
  /** The host that the player is served from. */
  readonly host: string;
  /** The paths that are the player. Other pages of the host could show anything. */
  readonly paths: RegExp;
  /** The `sandbox` that the player still plays with. */
  readonly sandbox: string;
}

const ANY_PATH = /^/;

/*
 * No player may lead the page around it away, or open dialogs. With `allow-same-origin`, a player keeps its own origin, and so
 * its cookies and storage; without, films do not play. That is no way out of the sandbox, because no feed is read on the host
 * of a player.
 */
/** Plays, and opens its links in new windows. */
const PAGE = 'allow-scripts allow-same-origin allow-popups allow-popups-to-escape-sandbox';
/** Plays on a television, too (Presentation API). */
const FILM = `${PAGE} allow-presentation`;
/** Asks for a password or an address before it plays. YouTube gives its own players `allow-forms` as well. */
const FILM_WITH_FORMS = `${FILM} allow-forms`;
/** Offers its numbers, pictures or documents as files. */
const DATA = `${PAGE} allow-downloads`;
/** Plays whole songs for subscribers. These are what Apple's own embed code has, without `allow-top-navigation…`. */
const APPLE = `${PAGE} allow-forms allow-storage-access-by-user-activation`;

/** The players by their host, without `www.` and `m.`. */
export const PLAYERS: ReadonlyMap<string, Player> = new Map(
  (
    [
      ['www.youtube.com', /^\/embed\/[^/]/, FILM_WITH_FORMS],
      ['www.youtube-nocookie.com', /^\/embed\/[^/]/, FILM_WITH_FORMS],
      ['player.vimeo.com', /^\/video\//, FILM_WITH_FORMS],
      ['www.dailymotion.com', /^\/(?:embed|widget)\//, FILM],
      ['geo.dailymotion.com', ANY_PATH, FILM],
      ['w.soundcloud.com', /^\/player/, PAGE],
      ['open.spotify.com', /^\/embed/, PAGE],
      ['embed.podcasts.apple.com', ANY_PATH, APPLE],
      ['embed.music.apple.com', ANY_PATH, APPLE],
      ['datawrapper.dwcdn.net', ANY_PATH, DATA],
      ['flo.uri.sh', ANY_PATH, DATA],
      ['public.flourish.studio', /^\/(?:visualisation|story)\/.*embed/, DATA],
      ['e.infogram.com', ANY_PATH, DATA],
      ['embed.documentcloud.org', ANY_PATH, DATA],
      ['www.openstreetmap.org', /^\/export\/embed/, PAGE],
      ['www.google.com', /^\/maps\/(?:d\/(?:u\/\d\/)?)?embed/, PAGE],
      ['archive.org', /^\/embed\//, FILM],
      ['bandcamp.com', /^\/EmbeddedPlayer\//, PAGE],
      ['www.facebook.com', /^\/plugins\/(?:video|post)\.php/, PAGE],
      ['www.instagram.com', /^\/(?:p|reel|tv)\/[\w-]+\/embed/, PAGE],
      ['platform.twitter.com', /^\/embed\//, PAGE],
      ['www.tiktok.com', /^\/(?:embed|player)\//, PAGE],
      ['player.twitch.tv', ANY_PATH, FILM],
      ['clips.twitch.tv', /^\/embed/, FILM],
      ['embed.ted.com', ANY_PATH, FILM],
      ['www.mixcloud.com', /^\/widget\/iframe/, PAGE],
      ['fast.wistia.net', /^\/embed\//, FILM_WITH_FORMS],
      ['fast.wistia.com', /^\/embed\//, FILM_WITH_FORMS],
      ['players.brightcove.net', ANY_PATH, FILM],
      ['cdn.jwplayer.com', /^\/players\//, FILM],
      ['widget.deezer.com', ANY_PATH, PAGE],
      ['embed.acast.com', ANY_PATH, PAGE],
      ['player.megaphone.fm', ANY_PATH, PAGE],
      ['widget.spreaker.com', ANY_PATH, PAGE],
    ] as const
  ).map(([host, paths, sandbox]) => [withoutPrefix(host), { host, paths, sandbox }]),
);

/** The hosts whose iframes stay. */
export const PLAYER_HOSTS: readonly string[] = [...PLAYERS.values()].map(({ host }) => host);

/**
 * The address of a player that stays in a body: https, with the host that the player is served from. Links to a film that
 * old embed codes contain become the address of its player. Undefined for any other address.
 */
export function playerAddress(address: string): string | undefined {
  const url = URL.parse(address);
  if (url === null || !/^https?:$/.test(url.protocol)) return undefined;
  // The port of http was left out of an http address already, and that of https out of an https address.
  if (url.port !== '' || url.username !== '' || url.password !== '') return undefined;
  const film = filmPlayer(url);
  if (film !== undefined) return film;
  const player = PLAYERS.get(withoutPrefix(url.hostname));
  const host = player?.paths.test(url.pathname) ? player.host : isMap(url) ? 'www.google.com' : undefined;
  if (host === undefined) return undefined;
  url.protocol = 'https:';
  url.hostname = host;
  return url.href;
}

/** The `sandbox` of the player with this address, whatever the record says. */
export function sandboxOf(address: string): string {
  return PLAYERS.get(withoutPrefix(URL.parse(address)?.hostname ?? ''))?.sandbox ?? PAGE;
}

/** Whether the address is a map of Google to embed: in old embed codes it has the host of a country. */
function isMap({ hostname, pathname, searchParams }: URL): boolean {
  if (!/^(?:www\.|maps\.)?google\.(?:com?\.)?[a-z]{2,3}$/.test(hostname)) return false;
  return /^\/maps(?:\/ms)?$/.test(pathname) && /^(?:sv)?embed$/.test(searchParams.get('output') ?? '');
}

function withoutPrefix(host: string): string {
  return host.replace(/^(?:www|m)\./, '');
}

/** The player of a film by the address of its page, its short address, or the address of its former Flash player. */
function filmPlayer(url: URL): string | undefined {
  const host = withoutPrefix(url.hostname);
  if (host === 'youtu.be') return youtube('www.youtube.com', url.pathname.slice(1), url);
  if (host === 'youtube.com' || host === 'youtube-nocookie.com') {
    if (url.pathname === '/watch') return youtube(`www.${host}`, url.searchParams.get('v') ?? '', url);
    const [, id] = /^\/(?:v|e|shorts|live)\/([^/&]+)/.exec(url.pathname) ?? [];
    return id === undefined ? undefined : youtube(`www.${host}`, id, url);
  }
  const [, vimeo] = host === 'vimeo.com' ? (/^\/(\d+)$/.exec(url.pathname) ?? []) : [];
  if (vimeo !== undefined) return `https://player.vimeo.com/video/${vimeo}`;
  const clip = host === 'vimeo.com' && url.pathname === '/moogaloop.swf' ? url.searchParams.get('clip_id') : null;
  if (clip !== null && /^\d+$/.test(clip)) return `https://player.vimeo.com/video/${clip}`;
  const [, daily] = host === 'dai.ly' ? (/^\/(\w+)$/.exec(url.pathname) ?? []) : [];
  const [, page] = host === 'dailymotion.com' ? (/^\/(?:swf\/)?video\/([^/_]+)/.exec(url.pathname) ?? []) : [];
  const id = daily ?? page;
  return id === undefined ? undefined : `https://www.dailymotion.com/embed/video/${id}`;
}

function youtube(host: string, id: string, { searchParams }: URL): string | undefined {
  if (!/^[\w-]+$/.test(id)) return undefined;
  const start = searchParams.get('start') ?? searchParams.get('t');
  const seconds = start === null ? undefined : /^(\d+)s?$/.exec(start)?.[1];
  const list = searchParams.get('list');
  const query = new URLSearchParams();
  if (list !== null) query.set('list', list);
  if (seconds !== undefined) query.set('start', seconds);
  return `https://${host}/embed/${id}${query.size > 0 ? `?${query}` : ''}`;
}

/** What a player may be allowed. The others concern the reader: camera, microphone, location, payment. */
const FEATURES = new Set(
  (
    'accelerometer autoplay clipboard-write encrypted-media fullscreen gyroscope picture-in-picture web-share ' +
    'presentation'
  ).split(' '),
);
/** The referrer policies that tell a player no more than the reader's origin, or what browsers tell without one. */
const REFERRER_POLICIES = new Set(
  (
    'no-referrer no-referrer-when-downgrade origin origin-when-cross-origin same-origin strict-origin ' +
    'strict-origin-when-cross-origin'
  ).split(' '),
);

/** Whether two values of `sandbox` allow the same. */
export function isSameSandbox(one: string, other: string): boolean {
  const allowed = (value: string) => [...new Set(value.toLowerCase().match(/\S+/g))].sort().join(' ');
  return allowed(one) === allowed(other);
}

/** An attribute's value in the iframe of a player; undefined where the attribute goes. */
export function playerAttribute(name: string, value: string): string | undefined {
  if (name === 'sandbox') return undefined; // the player's own is added
  if (name === 'allow') return allowed(value);
  if (name === 'referrerpolicy') {
    const policy = value.trim().toLowerCase();
    return REFERRER_POLICIES.has(policy) ? policy : undefined;
  }
  return value;
}

function allowed(value: string): string | undefined {
  const features = value
    .split(';')
    .map((feature) => feature.trim())
    .filter((feature) => /^[\w-]+[\w*' :/.-]*$/.test(feature) && FEATURES.has(feature.split(/\s/, 1)[0] ?? ''));
  return features.length === 0 ? undefined : features.join('; ');
}
