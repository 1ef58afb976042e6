import type { Instant } from '../../lib/instant.ts';
import type { Operations } from '../operations.ts';
import type { DocumentSizes } from '../store.ts';
import type { FeedDates } from './feed-dates.ts';
import type { OutboxNotes } from './outbox.ts';
import type { Rules } from './rules.ts';
import type { Settings } from './settings.ts';
import type { StoreRow } from './store-row.ts';

interface ConfigurationParts {
  readonly rules: Rules;
  readonly settings: Settings;
  readonly storeRow: StoreRow;
  readonly feedDates: FeedDates;
  readonly outboxNotes: OutboxNotes;
  readonly changeSizes: (sizes: DocumentSizes, now: () => Instant) => void;
}

/** The operations of the store's `configure` and `touchAllFeeds`. */
export function createConfiguration(parts: ConfigurationParts): Pick<Operations, 'configure' | 'touchAllFeeds'> {
  const { rules, settings, storeRow, feedDates, outboxNotes, changeSizes } = parts;

  function touchAll(now: () => Instant): void {
    const revision = storeRow.last() + 1;
    storeRow.setLast(revision);
    feedDates.touchAll(now(), revision);
  }

  return {
    configure(now, { rules: changed, most, sizes, isVisible, settings: values }) {
      changeSizes(sizes, now); // first: it reads feeds as the transaction found them
      for (let done = 0; done < changed.length; ) done += rules.backfillFeeds(changed.slice(done), now, most);
      for (const [name, value] of Object.entries(values)) settings.save(name, value);
      if (isVisible) touchAll(now);
      outboxNotes.noteEverything(now()); // also files and redirects, which belong to no feed
    },
    touchAllFeeds: touchAll,
  };
}
