/** A condition of a folder that the operator has to change. Its message says all: the log needs no stack. */
export class FolderWarning extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
  }
}
