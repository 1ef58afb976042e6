/**
 * What runs of Node's HTTP. To import `node:http` as a module asks for each thing that it has, and so loads the client of
 * `fetch` and HTTP/2, which a service does without: 50 ms of a start and 10 MB.
 */
export const { createServer, request, ServerResponse, STATUS_CODES } = process.getBuiltinModule('node:http');
