import { httpDate, type Instant } from '../../lib/instant.ts';

const NINE_HOURS = 9 * 60 * 60 * 1000;

/** `Fri, 20 Nov 2026 19:00:00 +0900`: RFC 822 in the time of Japan. */
export function rfc822Japan(instant: Instant): string {
  return httpDate(instant + NINE_HOURS).replace(/GMT$/, '+0900');
}
