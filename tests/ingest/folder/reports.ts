import type { FolderReports } from '../../../src/ingest/folder/articles-folder.ts';

/** Reports of a folder that all go to one function, except that of a file that is published or removed. */
export function folderReports(report: (what: unknown) => void): FolderReports {
  return {
    refused: report,
    settled: () => {},
    otherFilesFound: report,
    otherFileRemoved: report,
    warn: report,
    fail: report,
  };
}
