import { COMMON_BODY } from './body-rules.ts';
import {
  channelCopyright,
  channelDescription,
  channelLanguage,
  channelLink,
  channelTitle,
  self,
} from './channel-pieces.ts';
import { body, categories, creator, guid, link, summary, title } from './item-pieces.ts';
import { caption, credit, mediaContent, storyPictureUnlessInBody } from './media-pieces.ts';
import { namespaces, type RssShape } from './rss-dialect.ts';

/** The elements that most consumers read: the whole story, and a picture that its body does not show. Only the dates differ. */
export function commonShape(dates: RssShape['item']): RssShape {
  return {
    namespaces: namespaces('atom', 'content', 'dc', 'dcterms', 'media'),
    channel: [channelTitle, channelLink, channelDescription(), channelLanguage, self, channelCopyright],
    item: [
      title,
      link,
      guid,
      ...dates,
      creator('dc:creator'),
      categories('category'),
      summary,
      body('content:encoded', COMMON_BODY),
      storyPictureUnlessInBody(mediaContent(credit, caption)),
    ],
  };
}
