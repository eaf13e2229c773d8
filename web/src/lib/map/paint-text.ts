/** Words on the map: with a halo on any ground, or in a chip of their level's colour. */

import type { LevelName } from '../api/types';

export type MapPalette = {
  sea: string;
  land: string;
  blank: string;
  line: string;
  text: string;
  surface: string;
  vessel: string;
  storm: string;
  level: Record<LevelName, string>;
  levelText: Record<LevelName, string>;
};

export const LABEL_FONT = '600 11px system-ui, sans-serif';
export const SMALL_FONT = '10.5px system-ui, sans-serif';

export function haloText(
  ctx: CanvasRenderingContext2D,
  text: string,
  x: number,
  y: number,
  palette: MapPalette,
): void {
  ctx.strokeStyle = palette.surface;
  ctx.lineWidth = 3;
  ctx.lineJoin = 'round';
  ctx.strokeText(text, x, y);
  ctx.fillStyle = palette.text;
  ctx.fillText(text, x, y);
}

export function chip(
  ctx: CanvasRenderingContext2D,
  left: number,
  y: number,
  word: string,
  level: LevelName,
  palette: MapPalette,
): void {
  ctx.font = SMALL_FONT;
  ctx.textAlign = 'left';
  const width = ctx.measureText(word).width + 6;
  ctx.fillStyle = level === 'none' ? palette.surface : palette.level[level];
  ctx.strokeStyle = palette.text;
  ctx.lineWidth = 0.8;
  ctx.beginPath();
  ctx.rect(left, y - 7, width, 14);
  ctx.fill();
  ctx.stroke();
  ctx.fillStyle = level === 'none' ? palette.text : palette.levelText[level];
  ctx.fillText(word, left + 3, y);
}
