import { type MovedAddress, movedMediaUrl } from '../article/moved-media.ts';
import { omitUndefined } from '../lib/omit-undefined.ts';
import { isReservedName } from '../lib/reserved-name.ts';
import type { Partner } from './partners.ts';
import type { Publication } from './publication.ts';

/** Hosts whose service this machine reaches as `localhost`: all addresses, and the two of the loopback interface. */
const LOCAL_HOSTS: ReadonlySet<string> = new Set(['[::]', '0.0.0.0', '[::1]', '127.0.0.1', 'localhost']);

/** Whether no reader can open the addresses of the service, because the host of `feedsUrl` is a reserved name. */
export function hasReservedAddress({ feedsUrl }: Pick<Publication, 'feedsUrl'>): boolean {
  return isReservedName(new URL(feedsUrl).hostname);
}

/** The address of a service that listens on a host and a port, for a browser on this machine. */
export function localAddress(host: string, port: number): string {
  const listening = URL.parse(`http://${host.includes(':') ? `[${host}]` : host}:${port}/`);
  if (listening === null || LOCAL_HOSTS.has(listening.hostname)) return new URL(`http://localhost:${port}/`).href;
  return listening.href;
}

/**
 * The publication of a service whose addresses are below `feedsUrl` instead of below its reserved name. Ids, and addresses of
 * the newspaper's own site, stay.
 */
export function withLocalAddress(publication: Publication, feedsUrl: string): Publication {
  const moved: MovedAddress = { from: publication.feedsUrl, to: feedsUrl };
  const { icon, logo, favicon, partners } = publication;
  const asset = (address: string | undefined) => (address === undefined ? undefined : movedMediaUrl(address, moved));
  return omitUndefined({
    ...publication,
    feedsUrl,
    reservedUrl: publication.feedsUrl,
    icon: asset(icon),
    logo: asset(logo),
    favicon: asset(favicon),
    partners: partners?.map((partner) => withMovedPodcast(partner, moved)),
  });
}

function withMovedPodcast(partner: Partner, moved: MovedAddress): Partner {
  const { podcast } = partner;
  if (podcast?.image === undefined) return partner;
  return { ...partner, podcast: { ...podcast, image: movedMediaUrl(podcast.image, moved) } };
}
