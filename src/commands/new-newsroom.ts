import { isAbsolute, relative, sep } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { type Instant, rfc3339, utcYear } from '../lib/instant.ts';
import { yamlText } from '../lib/yaml.ts';
import { firstArticleIn } from './first-articles.ts';

/** What somebody decides about a new newsroom. Each value is valid in publication.yaml. */
export interface NewNewsroom {
  readonly title: string;
  readonly url: string;
  readonly language: string;
}

export const FIRST_ARTICLE = 'articles/welcome.md';

/** The files of a new newsroom, by their paths in its folder, which is absolute. The settings are the last of them. */
export function newsroomFiles(
  newsroom: NewNewsroom,
  folder: string,
  now: Instant,
): readonly [path: string, text: string][] {
  return [
    ['.gitignore', '# The database of the service: back it up instead.\n/store/\n'],
    [FIRST_ARTICLE, firstArticle(newsroom, now)],
    ['publication.yaml', publicationYaml(newsroom, schemaFor(folder), now)],
  ];
}

function firstArticle({ language: tag }: NewNewsroom, now: Instant): string {
  const { language, title, section, body } = firstArticleIn(tag);
  const own = new Intl.Locale(tag).language === language;
  return `---
title: ${yamlText(title)}
url: /welcome
publishedAt: ${rfc3339(now)}
${own ? '' : `language: ${language}\n`}sections: [${yamlText(section)}]
---

${body}
`;
}

/** Where an editor finds the schema: the way from a folder to the file of this program. A space would end the name. */
function schemaFor(folder: string): string {
  const file = fileURLToPath(new URL('../../schema/publication.json', import.meta.url));
  const way = relative(folder, file);
  return isAbsolute(way) || /[\s#%]/.test(way) ? pathToFileURL(file).href : way.replaceAll(sep, '/');
}

function publicationYaml({ title, url, language }: NewNewsroom, schema: string, now: Instant): string {
  return `# yaml-language-server: $schema=${schema}
#
# The settings of this newsroom. The first line lets editors complete and check them.

# The name at the top of every feed.
title: ${yamlText(title)}

# Your own site. Addresses in articles that begin with "/" are completed with it.
url: ${yamlText(url)}

# The public address of this service, once it has one. It stands in every feed.
# feedsUrl: https://feeds.example.com

# One or two sentences.
description: ${yamlText(firstArticleIn(language).description(title))}

# The language of articles that name none (BCP 47).
language: ${language}

# The zone of the dates on pages.
# timeZone: Asia/Baghdad

# For articles that name no copyright or license of their own.
# copyright: ${yamlText(`© ${utcYear(now)} ${title}`)}
# license: https://creativecommons.org/licenses/by/4.0/

# Pictures are files in media/.
# icon: /media/icon.png # square, 512 × 512
# logo: /media/logo.png # wide, 600 × 120
# accentColor: "#1a5f7a" # with quotes: YAML takes a bare # for a comment

# The newsroom, for readers.
# contact:
#   name: Newsroom
#   email: newsroom@example.com

# Feeds of your own, besides those of each section, tag, author and language.
# feeds:
#   - id: rivers
#     title: Rivers
#     select:
#       any: [tag/water, section/climate]

# What search engines and AI systems may do with the text: yes, no or ask.
# terms:
#   search: yes
#   aiTraining: no
`;
}
