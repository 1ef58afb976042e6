/**
 * The servers ours is measured against, each in a process of its own:
 *   node opponent.ts bare URL   node:http writing the answers that URL gives, byte for byte
 *   node opponent.ts naive      an Express handler that renders the newest 50 through `feed` at every request
 * Prints the port it listens on.
 */
import { createServer, get, type IncomingMessage, type RequestListener } from 'node:http';
import express from 'express';
import { Feed } from 'feed';
import type { Article } from '../../src/article.ts';
import { sampleArticles } from './sample.ts';

const [kind, url = ''] = process.argv.slice(2);
const server = createServer(kind === 'bare' ? await bare(url) : await naive());
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (typeof address === 'object') process.stdout.write(`${address?.port}\n`);
});

async function bare(original: string): Promise<RequestListener> {
  const full = await answerOf(original, {});
  const unchanged = await answerOf(original, { 'If-None-Match': full.etag });
  return (request, response) => {
    const answer = request.headers['if-none-match'] === undefined ? full : unchanged;
    response.writeHead(answer.status, answer.headers);
    response.end(answer.body);
  };
}

interface Recorded {
  readonly status: number;
  readonly headers: string[];
  readonly etag: string;
  readonly body: Buffer;
}

/** An answer as it came, without the headers that node:http writes itself. */
function answerOf(address: string, headers: Record<string, string>): Promise<Recorded> {
  return new Promise((resolve, reject) => {
    get(address, { headers, agent: false }, (response: IncomingMessage) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => {
        const pairs = response.rawHeaders.flatMap((name, index, all) =>
          index % 2 === 0 && !/^(date|connection|keep-alive)$/i.test(name) ? [name, all[index + 1] ?? ''] : [],
        );
        const { statusCode = 0, headers: parsed } = response;
        resolve({ status: statusCode, headers: pairs, etag: parsed.etag ?? '', body: Buffer.concat(chunks) });
      });
    }).on('error', reject);
  });
}

async function naive(): Promise<RequestListener> {
  const newest = (await sampleArticles()).toSorted((a, b) => b.publishedAt - a.publishedAt).slice(0, 50);
  const app = express();
  app.get('/feeds/latest.rss', (_request, response) => {
    response.type('application/rss+xml').send(render(newest));
  });
  return app;
}

function render(articles: readonly Article[]): string {
  const feed = new Feed({ title: 'Naive', link: 'https://news.example/', language: 'en', copyright: '' });
  for (const { title, publicId, url, summary, html, publishedAt } of articles) {
    feed.addItem({ title, id: publicId, link: url, description: summary, content: html, date: new Date(publishedAt) });
  }
  return feed.rss2();
}
