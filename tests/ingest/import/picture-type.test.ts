import { expect, test } from 'vitest';
import { pictureType } from '../../../src/ingest/import/picture-type.ts';

const SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>';
const bytes = (text: string) => Buffer.from(text, 'latin1');
const ftyp = (...brands: readonly string[]) =>
  bytes(`\0\0\0${String.fromCharCode(8 + 4 * brands.length)}ftyp${brands.join('')}rest of the file`);
const bmp = () => bytes(`BM\x46\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\x01\0\0\0`);

test.each([
  ['jpg', bytes('\xFF\xD8\xFF\xE0\0\x10JFIF')],
  ['png', bytes('\x89PNG\r\n\x1A\n\0\0\0\rIHDR')],
  ['gif', bytes('GIF89a\x01\0\x01\0')],
  ['webp', bytes('RIFF\x24\0\0\0WEBPVP8L')],
  ['bmp', bmp()],
  ['ico', bytes('\0\0\x01\0\x01\0\x10\x10')],
  ['avif', ftyp('avif', '\0\0\0\0', 'mif1')],
  ['avif', ftyp('mif1', '\0\0\0\0', 'miaf', 'avif')],
  ['svg', bytes(SVG)],
  ['svg', bytes(`\xEF\xBB\xBF <?xml version="1.0"?><!-- a --><!DOCTYPE svg PUBLIC "-//W3C" "svg11.dtd">\n${SVG}`)],
  ['svg', bytes(`<?xml version="1.0"?><!DOCTYPE svg [ <!ENTITY ns "http://x"> <!ENTITY b "c"> ]>${SVG}`)],
  ['svg', bytes('<svg:svg xmlns:svg="http://www.w3.org/2000/svg"/>')],
])('%s', (ending, content) => {
  expect(pictureType(content)).toEqual({ ending });
});

test.each([
  ['a page with a drawing within', bytes(`<!doctype html><title>Not found</title><body>${SVG}`)],
  ['a page in XHTML', bytes(`<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><body>${SVG}`)],
  ['a feed with a drawing within', bytes(`<rss version="2.0"><channel><description>${SVG}</description>`)],
  ['text with a drawing within', bytes(`Hello ${SVG}`)],
  ['text that begins like a picture', bytes('BMW presents its new cars in spring')],
  ['a film', ftyp('isom', '\0\0\0\0', 'avc1', 'mp41')],
  ['comments without an end', bytes('<!-- -->'.repeat(600))],
  ['white space', bytes(' '.repeat(5000))],
  ['nothing', bytes('')],
])('%s is no picture', (_name, content) => {
  expect(pictureType(content)).toBeUndefined();
});

test.each([
  ['heic', ftyp('heic', '\0\0\0\0', 'mif1')],
  ['tiff', bytes('II*\0\x08\0\0\0')],
  ['jxl', bytes('\xFF\x0A\xFA')],
])('%s is a picture that readers do not show', (unshown, content) => {
  expect(pictureType(content)).toEqual({ unshown });
});
