/** Labels of a drawing, moved up or down until they no longer cover each other. */

export type MapLabel = { key: string; text: string; x: number; y: number };

const LINE_HEIGHT = 15;
const WIDE_CHARACTER = 10.5;
const NARROW_CHARACTER = 5.8;
const STEPS = [0, -1, 1, -2, 2, -3, 3];

/** About the width of a text in the drawing's units; Chinese characters are square. */
export function textWidth(text: string): number {
  let width = 0;
  for (const character of text) {
    width += character > '\u2e7f' ? WIDE_CHARACTER : NARROW_CHARACTER;
  }
  return width;
}

/** From north to south, each at the first place where it covers none set before. */
export function placeLabels(labels: readonly MapLabel[]): MapLabel[] {
  const placed: MapLabel[] = [];
  for (const label of [...labels].sort((a, b) => a.y - b.y)) {
    const places = STEPS.map((step) => ({ ...label, y: label.y + step * LINE_HEIGHT }));
    const free = places.find((place) => placed.every((other) => !covers(place, other)));
    placed.push(free ?? label);
  }
  return placed;
}

function covers(a: MapLabel, b: MapLabel): boolean {
  const reach = (textWidth(a.text) + textWidth(b.text)) / 2;
  return Math.abs(a.y - b.y) < LINE_HEIGHT && Math.abs(a.x - b.x) < reach;
}
