/**
 * The parts of node:http that the service uses. `import … from 'node:http'` reads every export of the module, and so loads
 * the client of `fetch` and HTTP/2, which a service does not need: 50 ms of a start and 10 MB.
 */
export const { createServer, IncomingMessage, request, ServerResponse, STATUS_CODES, validateHeaderValue } =
  process.getBuiltinModule('node:http');
