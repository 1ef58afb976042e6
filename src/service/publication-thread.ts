import { parentPort, workerData } from 'node:worker_threads';
import { loadPublication } from '../config/publication.ts';
import { PublisherError } from '../errors.ts';
import type { LoadedPublication, PublicationFile } from './publication-file.ts';
import { serializeError } from './worker-messages.ts';

/** A thread that reads one publication.yaml, and ends. */
function read(): LoadedPublication {
  const { path, publicUrl } = workerData as PublicationFile;
  try {
    return { publication: loadPublication(path, publicUrl) };
  } catch (error) {
    if (!(error instanceof PublisherError)) throw error;
    return { failure: serializeError(error) };
  }
}

parentPort?.postMessage(read());
