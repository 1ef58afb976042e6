import { expect, test } from 'vitest';
import { hasReservedAddress, localAddress, withLocalAddress } from '../../src/config/local-address.ts';
import { parsePublication } from '../../src/config/publication.ts';

const publicationAt = (addresses: string) =>
  parsePublication(`title: T\ndescription: D\nlanguage: en\n${addresses}`, 'publication.yaml');

test.each([
  ['::', 8080, 'http://localhost:8080/'],
  ['0.0.0.0', 8081, 'http://localhost:8081/'],
  ['127.0.0.1', 80, 'http://localhost/'],
  ['::1', 8080, 'http://localhost:8080/'],
  ['localhost', 8080, 'http://localhost:8080/'],
  ['0:0:0:0:0:0:0:0', 8080, 'http://localhost:8080/'],
  ['fe80::1%eth0', 8080, 'http://localhost:8080/'], // no address of the web can have a zone
  ['127.0.0.2', 8080, 'http://127.0.0.2:8080/'],
  ['192.0.2.7', 8080, 'http://192.0.2.7:8080/'],
  ['2001:db8::7', 8080, 'http://[2001:db8::7]:8080/'],
  ['newsroom.lan', 8080, 'http://newsroom.lan:8080/'],
])('a service that listens on %s and port %i is at %s', (host, port, address) => {
  expect(localAddress(host, port)).toBe(address);
});

test.each([
  ['url: https://www.example.com', true], // its root is the default of feedsUrl
  ['url: https://www.fourrivers.org\nfeedsUrl: https://feeds.example.com/path/', true],
  ['url: https://www.fourrivers.org', false],
  ['url: https://www.example.com\nfeedsUrl: https://feeds.fourrivers.org', false],
])('the host of the service decides, not that of the newspaper: %j', (addresses, expected) => {
  expect(hasReservedAddress(publicationAt(addresses))).toBe(expected);
});

test('files of the service move, everything else stays', () => {
  const written = publicationAt(
    'url: https://www.example.com\nicon: /media/icon.png\nlogo: https://www.example.com/logo.png\nfavicon: https://cdn.fourrivers.org/media/f.png',
  );

  expect(withLocalAddress(written, 'http://localhost:8080/')).toEqual({
    ...written,
    feedsUrl: 'http://localhost:8080/',
    reservedUrl: 'https://www.example.com/',
    icon: 'http://localhost:8080/media/icon.png',
  });
});
