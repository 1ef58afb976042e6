import { expect, test } from 'vitest';
import { purgeTargets } from '../../src/config/purge-targets.ts';

test('targets are read in their normal forms', () => {
  expect(purgeTargets.read('varnish:http://10.0.0.7:6081 fastly:SU1Z0isxPaozGVKXdv0eY, cloudflare:023e105f')).toEqual([
    { id: 'varnish:http://10.0.0.7:6081/', kind: 'varnish', at: 'http://10.0.0.7:6081/' },
    { id: 'fastly:SU1Z0isxPaozGVKXdv0eY', kind: 'fastly', at: 'SU1Z0isxPaozGVKXdv0eY' },
    { id: 'cloudflare:023e105f', kind: 'cloudflare', at: '023e105f' },
  ]);
  expect(purgeTargets.read('url:https://EDGE.example/base')).toEqual([
    { id: 'url:https://edge.example/base/', kind: 'url', at: 'https://edge.example/base/' },
  ]);
});

test.each([
  'varnish',
  'varnish:',
  'varnish:10.0.0.7:6081',
  'squid:http://10.0.0.7/',
  'fastly:../token',
  'cloudflare:a/b',
  'url:ftp://edge.example/',
  'url:https://user:secret@edge.example/',
  'url:https://edge.example/?key=secret',
  'url:https://edge.example/ url:https://EDGE.example',
])('refused: %s', (text) => {
  expect(purgeTargets.read(text)).toBeUndefined();
});
