import type { Publication } from '../config/publication.ts';
import { type Assets, assetsOf } from './assets.ts';
import { type Hosts, hostsOf } from './hosts.ts';

/** Everything that all pages of a publication share. */
export interface Site {
  readonly publication: Publication;
  readonly assets: Assets;
  readonly hosts: Hosts;
}

export function siteOf(publication: Publication): Site {
  return { publication, assets: assetsOf(publication), hosts: hostsOf(publication) };
}
