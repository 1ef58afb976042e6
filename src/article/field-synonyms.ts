import { synonymsOf } from '../lib/nearest-word.ts';

/** The fields of records by the words of other systems, and of English, German, French, Spanish, Turkish and Kurdish. */
export const FIELD_SYNONYMS = synonymsOf({
  id: 'guid uuid key identifier kennung identifiant kimlik nasname',
  publicId: 'globalid legacyid oldid',
  url: 'link href permalink address uri canonical adresse lien enlace adres bağlantı girêdan',
  title: 'headline heading head subject überschrift schlagzeile titre título titulo titular başlık sernav',
  name: 'byline fullname displayname nom nombre isim ad nav',
  summary:
    'description excerpt abstract standfirst teaser deck dek subtitle lead lede intro zusammenfassung résumé chapô chapeau resumen özet kurte',
  body: 'content contenthtml contenttext html text story copy articlebody inhalt haupttext corps contenu cuerpo contenido içerik metin gövde naverok',
  bodyFormat: 'format contenttype markup',
  language: 'lang locale inlanguage sprache langue idioma lengua dil ziman',
  authors:
    'byline creator creators writer writers contributors autor autoren verfasser auteur auteurs autores yazar yazarlar nivîskar',
  sections:
    'category categories channel channels topic desk rubrik rubriken ressort ressorts rubrique rubriques sección secciones bölüm kategori beş',
  tags: 'keyword keywords label labels topics hashtags schlagwort schlagwörter stichwörter étiquettes motsclés etiquetas etiketler etiket',
  publishedAt:
    'date pubdate published publishdate publicationdate datepublished issued created createdat datum veröffentlicht fecha tarih yayıntarihi dîrok',
  updatedAt:
    'modified datemodified lastmodified modifiedat lastmod changed corrected updated geändert aktualisiert modifié güncellendi',
  embargoUntil: 'embargo embargoed embargoat publishafter sperrfrist ambargo',
  expiresAt: 'expires expiry expiration expirydate validuntil unpublishat ablauf bitiş',
  withdrawn: 'retracted deleted removed retraction zurückgezogen retiré',
  reason: 'note why grund raison motivo sebep',
  image: 'picture photo thumbnail featuredimage cover lead bild titelbild imagen foto resim görsel wêne',
  media: 'enclosure enclosures attachment attachments audio video podcast medien médias medya',
  source: 'agency origin provider via quelle fuente kaynak çavkanî',
  copyright: 'rights urheberrecht droits telif',
  license: 'licence rightsurl lizenz licencia lisans',
  translations: 'alternates languages hreflang übersetzungen traductions çeviriler',
  email: 'mail epost courriel correo eposta',
  avatar: 'photo picture portrait icon gravatar',
  alt: 'alttext alternative description altdescription alternativtext',
  caption: 'legend bildunterschrift légende legende altyazı',
  credit: 'photographer photocredit bildnachweis crédit kredi',
  type: 'mimetype contenttype mediatype mime typ',
  length: 'size bytes filesize sizeinbytes größe taille boyut',
  duration: 'seconds durationinseconds dauer durée süre',
  width: 'w breite largeur genişlik',
  height: 'h höhe hauteur yükseklik',
  at: 'date when time datum',
});
