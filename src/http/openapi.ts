import type { Publication } from '../config/publication.ts';
import { articlePaths } from './openapi-articles.ts';
import { deliveryPaths, deliverySchemas } from './openapi-deliveries.ts';
import { errorExamples, errorResponses } from './openapi-errors.ts';
import { json, operation } from './openapi-operations.ts';
import { overviewPaths } from './openapi-overviews.ts';
import { partnerPaths, partnerSchemas } from './openapi-partners.ts';
import { schemas } from './openapi-schemas.ts';
import { type Json, text } from './openapi-types.ts';

/** The newsroom's API as OpenAPI 3.1, from the schemas that parse the records. */
export function openApi(
  version: string,
  { title, url, feedsUrl }: Pick<Publication, 'title' | 'url' | 'feedsUrl'>,
): Json {
  return {
    openapi: '3.1.0',
    info: {
      title: 'Feed Publisher',
      version,
      summary: 'Publish, correct, withdraw and read the articles of a newsroom.',
      description: DESCRIPTION,
      contact: { name: title, url },
      license: { name: 'Proprietary: no license is granted', identifier: 'LicenseRef-Proprietary' },
    },
    servers: [{ url: feedsUrl.replace(/\/$/, ''), description: `The service of ${title}.` }],
    tags: TAGS,
    paths: { ...articlePaths, ...overviewPaths, ...partnerPaths, ...deliveryPaths, ...servicePaths },
    components: {
      schemas: { ...schemas, ...partnerSchemas, ...deliverySchemas },
      responses: errorResponses,
      examples: errorExamples,
      securitySchemes: {
        key: {
          type: 'http',
          scheme: 'bearer',
          description: `A key that the command “key create” made, with the scope read or write. A write key may read as well.`,
        },
      },
    },
  };
}

const DESCRIPTION = `An article has the newsroom’s own id, which is also its address. PUT publishes or corrects it, DELETE withdraws it.

- Answers are \`application/json\`. Errors are \`application/problem+json\` (RFC 9457) with a \`code\`.
- No cache may keep an answer: all have \`Cache-Control: no-store\`.
- Every address that answers GET answers HEAD as well. OPTIONS lists the methods in \`Allow\`. Other methods get 405 with the code \`method_not_allowed\`; other addresses get 404 with the code \`not_found\`.`;

const TAGS = [
  { name: 'Articles', description: 'Publish, correct, withdraw and read articles.' },
  { name: 'Overviews', description: 'What readers can see, and what the newsroom has to put right.' },
  { name: 'Partners', description: 'What partners get, what they have fetched, and what they have seen.' },
  { name: 'Service', description: 'The service itself: its description and its health. These addresses need no key.' },
];

const servicePaths: Json = {
  '/api/openapi.json': {
    get: operation({
      id: 'getApiDescription',
      tag: 'Service',
      access: 'public',
      summary: 'Get this description',
      description: 'The API as OpenAPI 3.1.',
      answers: {
        200: json('The description.', {
          schema: {
            type: 'object',
            description: 'A document of OpenAPI 3.1.',
            required: ['openapi'],
            properties: { openapi: text('The version of OpenAPI.') },
            additionalProperties: true,
          },
          examples: { beginning: ['Its beginning', { openapi: '3.1.0', info: { title: 'Feed Publisher' } }] },
        }),
      },
    }),
  },
  '/healthz': {
    get: operation({
      id: 'getLiveness',
      tag: 'Service',
      access: 'probe',
      summary: 'Ask whether the process is alive',
      description: 'Any answer at all shows that it is.',
      answers: { 200: word('ok', 'The process is alive.') },
    }),
  },
  '/readyz': {
    get: operation({
      id: 'getReadiness',
      tag: 'Service',
      access: 'probe',
      summary: 'Ask whether the service should get requests',
      description: 'For load balancers. It reads the store, and is answered also while the service is overloaded.',
      answers: { 200: readiness() },
      errors: ['not_ready'],
    }),
  },
};

/** An answer of one word. */
function readiness(): Json {
  const schema = { type: 'string', enum: ['ready', 'degraded'] };
  const description =
    'The service answers readers. `degraded`: it is a replica whose database is away, so that it takes no change.';
  return { description, content: { 'text/plain': { schema, example: 'ready' } } };
}

function word(example: string, description: string): Json {
  return { description, content: { 'text/plain': { schema: { type: 'string', const: example }, example } } };
}
