/**
 * The servers ours is measured against, each in a process of its own:
 *   node opponent.ts bare FILE    node:http writing the answers that stand in that file, byte for byte
 *   node opponent.ts tuned FILE   the same with the option that ours sets: no stream for a body that does not come
 *   node opponent.ts cached FILE  an Express handler that sends the body of the first of them as a string
 *   node opponent.ts naive        an Express handler that renders the newest 50 through `feed` at every request
 *   node opponent.ts polls BYTES  node:http whose requests wait until a POST comes, and then get the same answer of so many bytes
 * Prints the port it listens on.
 */
import { readFileSync } from 'node:fs';
import { createServer, type RequestListener, type ServerResponse } from 'node:http';
import express from 'express';
import { Feed } from 'feed';
import type { Article } from '../../src/article/article.ts';
import { PATH, sampleArticles } from './sample.ts';

/** An answer with the address at which `bare` gives it. */
export interface RecordedAnswer {
  readonly path: string;
  readonly status: number;
  /** Names and values in turn, without those that Node writes itself. */
  readonly headers: readonly string[];
  /** Base64; empty where there is none. */
  readonly body: string;
}

const [kind, file = ''] = process.argv.slice(2);
const server = createServer({ optimizeEmptyRequests: kind === 'tuned' }, await listener());
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (typeof address === 'object') process.stdout.write(`${address?.port}\n`);
});

function listener(): RequestListener | Promise<RequestListener> {
  if (kind === 'bare' || kind === 'tuned') return bare(recorded());
  if (kind === 'polls') return polls(Number(file));
  return kind === 'cached' ? cached(recorded()) : naive();
}

function recorded(): RecordedAnswer[] {
  return JSON.parse(readFileSync(file, 'utf8'));
}

/** Nothing is negotiated or compared: each answer has an address of its own. */
function bare(answers: readonly RecordedAnswer[]): RequestListener {
  const byPath = new Map(
    answers.map(({ path, status, headers, body }) => [
      path,
      { status, headers: [...headers], body: body === '' ? undefined : Buffer.from(body, 'base64') },
    ]),
  );
  return (request, response) => {
    const answer = byPath.get(request.url ?? '');
    if (answer === undefined) throw new Error(`there is no ${request.url}`);
    response.writeHead(answer.status, answer.headers);
    response.end(answer.body);
  };
}

function cached([answer]: readonly RecordedAnswer[]): RequestListener {
  const text = Buffer.from(answer?.body ?? '', 'base64').toString();
  return express().get(PATH, (_request, response) => {
    response.type('application/rss+xml').send(text);
  });
}

/** Requests without `since`, and those that do not wait, are answered at once. */
function polls(bytes: number): RequestListener {
  const page = { change: '', cursor: 'present', hasMore: false, text: '' };
  const nothing = Buffer.from(JSON.stringify({ ...page, change: undefined }));
  const body = Buffer.from(
    JSON.stringify({ ...page, text: 'x'.repeat(Math.max(0, bytes - JSON.stringify(page).length)) }),
  );
  const waiting: ServerResponse[] = [];
  const answer = (response: ServerResponse, content: Buffer) => {
    response.writeHead(200, ['Content-Type', 'application/json', 'Content-Length', String(content.length)]);
    response.end(content);
  };
  return ({ method, url = '' }, response) => {
    if (method === 'POST') {
      response.writeHead(204).end();
      for (const poll of waiting.splice(0)) answer(poll, body);
    } else if (url.includes('wait=0')) answer(response, nothing);
    else waiting.push(response);
  };
}

async function naive(): Promise<RequestListener> {
  const newest = (await sampleArticles()).toSorted((a, b) => b.publishedAt - a.publishedAt).slice(0, 50);
  return express().get(PATH, (_request, response) => {
    response.type('application/rss+xml').send(render(newest));
  });
}

function render(articles: readonly Article[]): string {
  const feed = new Feed({ title: 'Naive', link: 'https://news.example/', language: 'en', copyright: '' });
  for (const { title, publicId, url, summary, html, publishedAt } of articles) {
    feed.addItem({ title, id: publicId, link: url, description: summary, content: html, date: new Date(publishedAt) });
  }
  return feed.rss2();
}
