import { type Dir, opendirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { isPartnerFileName, PARTNERS_FOLDER } from '../config/partner-files.ts';
import { PUBLICATION_FILE } from '../config/publication.ts';

/** The files of a publication as they are found on disk: publication.yaml, and the files of partners. */
export interface PublicationFiles {
  /** Looks at publication.yaml, and at as many files of partners as the time allows. Returns `version`. */
  readonly look: () => string;
  /** What the last look has found: it changes with every change. Empty where there is no publication.yaml. */
  readonly version: () => string;
  readonly close: () => void;
}

/**
 * Milliseconds that one look may take for partners: a thousand files. Of ten thousand, each is looked at every five seconds, for
 * one hundredth of a core.
 */
const BUDGET = 4;

/** Looks at all files of a data folder, and from then on at some of them with each call of `look`. */
export function openPublicationFiles(path: string, budget = BUDGET): PublicationFiles {
  const partners = openPartnersFolder(join(path, PARTNERS_FOLDER));
  let version = '';

  function look(milliseconds: number): string {
    partners.look(milliseconds);
    const own = signatureOf(join(path, PUBLICATION_FILE));
    version = own === '' ? '' : `${own} ${partners.changes()}`;
    return version;
  }

  look(Number.POSITIVE_INFINITY);
  return { look: () => look(budget), version: () => version, close: partners.close };
}

/** A folder that is read in pieces, round and round. */
function openPartnersFolder(folder: string) {
  /** What each file was when it was looked at, and the round in which that was. */
  const known = new Map<string, { signature: string; round: number }>();
  let round = 0;
  let changes = 0;
  let open: Dir | undefined;

  function note(name: string): void {
    const signature = signatureOf(join(folder, name));
    const before = known.get(name);
    if (before?.signature !== signature) changes += 1;
    known.set(name, { signature, round });
  }

  /** Whatever was not found in this round is gone. */
  function endRound(): void {
    close();
    for (const [name, file] of known) {
      if (file.round === round) continue;
      known.delete(name);
      changes += 1;
    }
  }

  function close(): void {
    open?.closeSync();
    open = undefined;
  }

  return {
    look(budget: number): void {
      const end = performance.now() + budget;
      try {
        if (open === undefined) {
          round += 1;
          open = opendirSync(folder);
        }
        for (let entry = open.readSync(); entry !== null; entry = open.readSync()) {
          if (isPartnerFileName(entry.name)) note(entry.name);
          if (performance.now() > end) return;
        }
      } catch {
        note(''); // the folder is missing, or cannot be read: to load it has the same error
      }
      endRound();
    },
    changes: () => changes,
    close,
  };
}

/** Changes with every change of a file; empty where there is none. */
function signatureOf(file: string): string {
  try {
    const status = statSync(file, { throwIfNoEntry: false, bigint: true });
    return status === undefined ? '' : `${status.ino} ${status.size} ${status.mtimeNs} ${status.ctimeNs}`;
  } catch {
    return 'unreadable'; // to read it has the same error
  }
}
