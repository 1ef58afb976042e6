import { synonymsOf } from '../lib/nearest-word.ts';

/** The fields of publication.yaml by the words of other systems and languages. */
export const PUBLICATION_SYNONYMS = synonymsOf({
  title: 'name headline sitename überschrift titre título başlık sernav',
  url: 'site siteurl link homepage homepageurl baseurl website address adresse adres',
  feedsUrl: 'feedurl publicurl serviceurl',
  description: 'subtitle tagline slogan about beschreibung descripción açıklama danasîn',
  language: 'lang locale sprache langue idioma dil ziman',
  copyright: 'rights urheberrecht droits telif',
  license: 'licence lizenz lisans',
  accentColor: 'color colour themecolor farbe couleur renk',
  contact: 'editor managingeditor webmaster author kontakt iletişim',
  email: 'mail epost courriel correo eposta',
  maxAge: 'ttl cache cachemaxage cachetime',
  entries: 'limit count items size perpage einträge entrées girdiler',
  tombstoneDays: 'tombstones withdrawaldays',
  feeds: 'customfeeds channels',
  retired: 'redirects moved gone retiredfeeds',
  id: 'slug key path',
  select: 'filter where rule query auswahl sélection',
  any: 'or some anyof',
  all: 'and every allof',
  none: 'not except exclude without',
  feed: 'from old slug key path',
  movedTo: 'to target redirect redirectto new',
});
