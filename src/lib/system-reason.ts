/** Why the system refuses to read or write, in words. */
const REASONS: ReadonlyMap<string, string> = new Map([
  ['ENOENT', 'there is no such file or folder'],
  ['ENOTDIR', 'a part of its path is a file, not a folder'],
  ['EISDIR', 'it is a folder, not a file'],
  ['EEXIST', 'there is a file of this name already'],
  ['ENOTEMPTY', 'there is a folder of this name already'],
  ['EACCES', 'this user has no permission'],
  ['EPERM', 'this user has no permission'],
  ['EROFS', 'its file system is read-only'],
  ['ENOSPC', 'the disk is full'],
  ['EDQUOT', 'this user may use no more of the disk'],
  ['EFBIG', 'it is longer than the file system allows'],
  ['EIO', 'the disk reports an error'],
  ['ENAMETOOLONG', 'its path is longer than the system allows'],
  ['ELOOP', 'its symbolic links lead in a circle'],
  ['EMFILE', 'this process has too many open files'],
  ['ENFILE', 'the system has too many open files'],
  ['ENXIO', 'it is a device or a pipe that nothing is connected to'],
  ['EBUSY', 'another program uses it'],
  ['ETXTBSY', 'another program uses it'],
]);

/** Whether an error is a failure of the system, not of this program. */
export function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'syscall' in error;
}

/** Describes a failure of the system: `there is no such file or folder (ENOENT)`. Returns the text of any other error. */
export function systemReason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = 'code' in error ? String(error.code) : '';
  const reason = REASONS.get(code);
  if (reason !== undefined) return `${reason} (${code})`;
  return isSystemError(error) ? `the system reports ${error.message}` : error.message;
}
