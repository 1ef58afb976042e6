import { PublisherError } from '../errors.ts';

/** The error for files that say something else than the publication in force, and that nobody has changed here. */
export function otherFiles(): PublisherError {
  return new PublisherError(
    'other_publication',
    'The publication in force is not the one in the files of this machine.',
    {
      problems: [
        {
          field: '',
          rule: 'must say what is in force: another replica has put it there, and nobody has changed the files here since',
        },
      ],
      file: 'publication.yaml',
      hint: 'Copy publication.yaml and partners/ from the machine where they were changed.',
    },
  );
}
