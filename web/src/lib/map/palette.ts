/** The map's colours out of the style sheet: a canvas cannot use them by name. */

import type { MapPalette } from './paint-text';

export function mapPaletteOf(element: Element): MapPalette {
  const style = getComputedStyle(element);
  const of = (name: string) => style.getPropertyValue(name).trim();
  return {
    sea: of('--sea'),
    land: of('--land'),
    blank: of('--blank'),
    line: of('--line-strong'),
    text: of('--text'),
    surface: of('--surface'),
    vessel: of('--series-1'),
    storm: of('--series-4'),
    level: {
      none: of('--land'),
      blue: of('--level-blue'),
      yellow: of('--level-yellow'),
      orange: of('--level-orange'),
      red: of('--level-red'),
    },
    levelText: {
      none: of('--text'),
      blue: of('--level-blue-text'),
      yellow: of('--level-yellow-text'),
      orange: of('--level-orange-text'),
      red: of('--level-red-text'),
    },
  };
}
