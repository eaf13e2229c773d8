/** Draws a storm: its way, the forecast dashed, the circles of its winds with their force. */

import { screenX, screenY, type Window } from './mercator';
import type { Scene } from './paint';
import { haloText, LABEL_FONT, SMALL_FONT, type MapPalette } from './paint-text';
import type { Track, TrackPoint } from './storm';

export function paintTrack(
  ctx: CanvasRenderingContext2D,
  window: Window,
  scene: Scene,
  palette: MapPalette,
  track: Track,
): void {
  const last = track.observed[track.observed.length - 1];
  ctx.strokeStyle = palette.storm;
  ctx.fillStyle = palette.storm;
  ctx.lineWidth = 2.2;
  strokeLine(ctx, window, track.observed);
  ctx.setLineDash([6, 5]);
  strokeLine(ctx, window, [...(last ? [last] : []), ...track.forecast]);
  ctx.setLineDash([]);
  for (const point of [...track.observed, ...track.forecast]) dot(ctx, window, point, 3);
  ctx.font = SMALL_FONT;
  ctx.textAlign = 'left';
  ctx.textBaseline = 'middle';
  for (const point of track.forecast) {
    const [x, y] = [screenX(window, point.x), screenY(window, point.y)];
    haloText(ctx, scene.words.time(point.time), x + 6, y - 8, palette);
  }
  if (last === undefined) return;
  ctx.fillStyle = palette.storm;
  dot(ctx, window, last, 6);
  paintCircles(ctx, window, scene, palette, last);
  const [x, y] = [screenX(window, last.x), screenY(window, last.y)];
  ctx.font = LABEL_FONT;
  ctx.textAlign = 'left';
  haloText(ctx, `${track.label} ${scene.words.time(last.time)}`, x + 9, y + 9, palette);
}

function paintCircles(
  ctx: CanvasRenderingContext2D,
  window: Window,
  scene: Scene,
  palette: MapPalette,
  point: TrackPoint,
): void {
  const [x, y] = [screenX(window, point.x), screenY(window, point.y)];
  ctx.lineWidth = 1.4;
  ctx.font = SMALL_FONT;
  for (const circle of point.circles) {
    const radius = circle.radius * window.size;
    ctx.strokeStyle = palette.storm;
    ctx.beginPath();
    ctx.arc(x, y, radius, 0, 2 * Math.PI);
    ctx.stroke();
    ctx.textAlign = 'center';
    haloText(ctx, scene.words.force(circle.force), x, y - radius, palette);
  }
}

function strokeLine(
  ctx: CanvasRenderingContext2D,
  window: Window,
  points: readonly TrackPoint[],
): void {
  ctx.beginPath();
  points.forEach((point, index) => {
    const [x, y] = [screenX(window, point.x), screenY(window, point.y)];
    if (index === 0) ctx.moveTo(x, y);
    else ctx.lineTo(x, y);
  });
  ctx.stroke();
}

function dot(
  ctx: CanvasRenderingContext2D,
  window: Window,
  point: TrackPoint,
  radius: number,
): void {
  ctx.beginPath();
  ctx.arc(screenX(window, point.x), screenY(window, point.y), radius, 0, 2 * Math.PI);
  ctx.fill();
}
