import { expect, test } from 'vitest';

import { TOWNSHIPS_AT_ONCE, wallParts } from '../src/lib/domain/wall';

test('every township has its turn, each once', () => {
  const parts = wallParts(20, 0);
  const shown = parts.flatMap((part) =>
    part.key === 'townships'
      ? Array.from({ length: part.to - part.from }, (_, n) => part.from + n)
      : [],
  );
  expect(shown).toEqual(Array.from({ length: 20 }, (_, n) => n));
  expect(parts[0]).toEqual({ key: 'townships', from: 0, to: TOWNSHIPS_AT_ONCE });
});

test('alerts take a turn only when there are any, and there is always something to show', () => {
  expect(wallParts(0, 0).map((part) => part.key)).toEqual(['declared']);
  expect(wallParts(0, 3).map((part) => part.key)).toEqual(['alerts', 'declared']);
});
