/**
 * All words of the page are in the dictionaries: both say the same things, and
 * no component and no module has a text of its own.
 */

import { parse, type AST } from 'svelte/compiler';
import { expect, test } from 'vitest';

import { en } from '../src/lib/i18n/en';
import { zh } from '../src/lib/i18n/zh';

const HAN = /\p{Script=Han}/u;
const LETTERS = /\p{L}{2}/u;
/** Attributes that people see or hear. */
const SPOKEN = new Set(['aria-label', 'aria-description', 'title', 'placeholder', 'alt']);

const components: Record<string, string> = import.meta.glob('../src/**/*.svelte', {
  query: '?raw',
  import: 'default',
  eager: true,
});
const modules: Record<string, string> = import.meta.glob(
  ['../src/**/*.ts', '!../src/lib/i18n/*.ts'],
  { query: '?raw', import: 'default', eager: true },
);

type Leaf = { path: string; kind: string };

function leaves(value: unknown, path = ''): Leaf[] {
  if (typeof value !== 'object' || value === null) return [{ path, kind: typeof value }];
  return Object.entries(value).flatMap(([key, inner]) => leaves(inner, `${path}.${key}`));
}

function textAt(value: unknown, path: string): unknown {
  const keys = path.slice(1).split('.');
  return keys.reduce<unknown>((inner, key) => (inner as Record<string, unknown>)[key], value);
}

test('English says everything that Chinese says, and nothing else', () => {
  const sorted = (dictionary: unknown) =>
    leaves(dictionary)
      .map((leaf) => `${leaf.path} ${leaf.kind}`)
      .sort();
  expect(sorted(en)).toEqual(sorted(zh));
});

test('no text is empty in one language only, and English has no Chinese characters', () => {
  for (const { path, kind } of leaves(zh)) {
    if (kind !== 'string') continue;
    const [chinese, english] = [textAt(zh, path), textAt(en, path)] as [string, string];
    expect(english === '', path).toBe(chinese === '');
    if (path !== '.language.other') expect(HAN.test(english), path).toBe(false);
  }
});

test('every function of the dictionaries gives a text with all its parts', () => {
  const functions = leaves(zh).filter((leaf) => leaf.kind === 'function');
  expect(functions.length).toBeGreaterThan(10);
  for (const dictionary of [zh, en]) {
    for (const { path } of functions) {
      const phrase = textAt(dictionary, path) as (...args: string[]) => string;
      const args = Array.from({ length: phrase.length }, (_, index) => `<${index}>`);
      const text = phrase(...args);
      for (const arg of args) expect(text, path).toContain(arg);
    }
  }
});

/** Is a word asked for by name, or one of its groups by a key or as a whole? */
function isUsed(path: string, source: string): boolean {
  const keys = ['t', ...path.slice(1).split('.')];
  const [group = '', last = ''] = keys.slice(-2);
  const byKey = keys.slice(1, -1).map((each) => `\\b${each}\\[`);
  const byName = `\\b${group}\\.${last}\\b`;
  const whole = `\\bt\\.${group}\\)|[{,]\\s*${group}\\s*[,}]`;
  return new RegExp([byName, ...byKey, whole].join('|')).test(source);
}

test('every word is used somewhere', () => {
  const source = [...Object.values(components), ...Object.values(modules)].join('\n');
  const unused = leaves(zh).filter(({ path }) => !isUsed(path, source));
  expect(unused.map(({ path }) => path)).toEqual([]);
  expect(isUsed('.detail.nonsense', source)).toBe(false);
});

test('every component is in use', () => {
  const source = [...Object.values(components), ...Object.values(modules)].join('\n');
  const names = Object.keys(components).map((path) => path.split('/').pop() ?? path);
  expect(names.filter((name) => !source.includes(`/${name}'`))).toEqual([]);
});

function ownTexts(source: string): string[] {
  const found: string[] = [];
  const visit = (node: unknown): void => {
    if (Array.isArray(node)) return node.forEach(visit);
    if (typeof node !== 'object' || node === null || !('type' in node)) return;
    const typed = node as { type: string };
    if (typed.type === 'Text') found.push((node as AST.Text).data);
    if (typed.type === 'Attribute') {
      const attribute = node as AST.Attribute;
      if (!SPOKEN.has(attribute.name)) return;
    }
    for (const [key, inner] of Object.entries(node)) if (key !== 'parent') visit(inner);
  };
  visit(parse(source, { modern: true }).fragment);
  return found.filter((text) => LETTERS.test(text.replaceAll('&nbsp;', ' ')));
}

test('the finder of texts finds them', () => {
  expect(ownTexts('<p>Live now</p><b title="Old">{x}</b><i class="soft">·</i>')).toEqual([
    'Live now',
    'Old',
  ]);
});

test.each(Object.entries(components))('%s has no words of its own', (_path, source) => {
  expect(ownTexts(source)).toEqual([]);
  const code = source.replaceAll(/<!--[\s\S]*?-->/g, '');
  expect(HAN.test(code)).toBe(false);
});

test.each(Object.entries(modules))('%s has no words of its own', (_path, source) => {
  const code = source.replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');
  expect(HAN.test(code)).toBe(false);
});
