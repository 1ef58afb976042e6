import { describe, expect, test } from 'vitest';
import { parsePublication } from '../../src/config/publication.ts';
import { robotsFile, siteRobots } from '../../src/terms/robots.ts';
import { PUBLICATION } from '../helpers.ts';

const ONE_HOST = PUBLICATION.replace(/feedsUrl:.*/, 'feedsUrl: https://news.example/feeds-service/');
const TERMS = 'terms: { search: yes, aiTraining: no, contentUsage: yes, contact: { email: a@news.example } }\n';

function robots(text: string) {
  const publication = parsePublication(text, 'publication.yaml');
  return { service: robotsFile(publication).text, site: siteRobots(publication) };
}

describe('robots.txt names on each host the sitemaps of its own addresses', () => {
  test('where site and service have different hosts', () => {
    expect(robots(PUBLICATION)).toEqual({
      service: 'User-agent: *\nDisallow: /api/\n\nSitemap: https://feeds.news.example/sitemap.xml\n',
      site: 'Sitemap: https://feeds.news.example/sitemap.xml\nSitemap: https://feeds.news.example/news-sitemap.xml\n',
    });
  });

  test('and forbids the API alone, whatever signs the path of the service has', () => {
    const { service } = robots(PUBLICATION.replace(/feedsUrl:.*/, 'feedsUrl: https://feeds.news.example/a*b$/'));
    expect(service).toContain('\nDisallow: /a%2Ab%24/api/\n');
  });

  test('where they have one host', () => {
    const sitemaps =
      'Sitemap: https://news.example/feeds-service/sitemap.xml\nSitemap: https://news.example/feeds-service/news-sitemap.xml\n';
    expect(robots(ONE_HOST)).toEqual({
      service: `User-agent: *\nDisallow: /feeds-service/api/\n\n${sitemaps}`,
      site: sitemaps,
    });
  });

  test('without pages, the service of another host has no address of its own', () => {
    expect(robots(`${PUBLICATION}pages: off\n`).service).toBe('User-agent: *\nDisallow: /api/\n');
  });
});

test('robots.txt has the terms: the licence outside of groups, the others in the group', () => {
  const { service, site } = robots(PUBLICATION + TERMS);
  const lines = 'User-agent: *\nContent-Signal: search=yes, ai-train=no\nContent-Usage: train-ai=n, search=y\n';
  const license = 'License: https://feeds.news.example/license.xml\n';
  expect(service).toBe(`${license}\n${lines}Disallow: /api/\n\nSitemap: https://feeds.news.example/sitemap.xml\n`);
  expect(site).toBe(
    `${license}\n${lines}\nSitemap: https://feeds.news.example/sitemap.xml\nSitemap: https://feeds.news.example/news-sitemap.xml\n`,
  );
});
