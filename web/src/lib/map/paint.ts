/** Draws the map: townships, the storm, things and names; and on a canvas above them the vessels. */

import type { LevelName } from '../api/types';
import type { Cluster } from './clusters';
import { TAIL, type Fleet } from './fleet';
import { placeLabels, textWidth } from './labels';
import { screenX, screenY, type Window } from './mercator';
import { paintTrack } from './paint-storm';
import type { Cell, Shape } from './shapes';
import { chip, haloText, LABEL_FONT, SMALL_FONT, type MapPalette } from './paint-text';
import type { Track } from './storm';

export type Scene = {
  shapes: readonly Shape[];
  cells: ReadonlyMap<string, Cell>;
  clusters: readonly Cluster[];
  fleet: Fleet;
  /** Places in the fleet with an open alert, and how bad it is. */
  vesselAlerts: ReadonlyMap<number, LevelName>;
  tracks: readonly Track[];
  words: {
    level: Record<LevelName, string>;
    force: (force: number) => string;
    time: (ms: number) => string;
  };
};

const FILL_ALPHA = 0.82;
const CHIP_GAP = 4;
/** Nearer than this there is room for what sensors say beside each name. */
const SENSED_FROM_SIZE = 256 * 2 ** 9.4;
/** And nearer than this for every alert of a thing. */
const ALERTS_FROM_SIZE = 256 * 2 ** 10.5;

export function paintGround(
  ctx: CanvasRenderingContext2D,
  window: Window,
  scene: Scene,
  palette: MapPalette,
): void {
  ctx.fillStyle = palette.sea;
  ctx.fillRect(0, 0, window.width, window.height);
  for (const shape of scene.shapes) paintShape(ctx, window, scene, palette, shape);
  for (const track of scene.tracks) paintTrack(ctx, window, scene, palette, track);
  for (const cluster of scene.clusters) paintCluster(ctx, window, scene, palette, cluster);
  paintLabels(ctx, window, scene, palette);
}

function tracePath(ctx: CanvasRenderingContext2D, window: Window, shape: Shape): void {
  ctx.beginPath();
  for (const ring of shape.rings) {
    ring.forEach((point, index) => {
      const [x, y] = [screenX(window, point.x), screenY(window, point.y)];
      if (index === 0) ctx.moveTo(x, y);
      else ctx.lineTo(x, y);
    });
    ctx.closePath();
  }
}

function fillOf(cell: Cell | undefined, palette: MapPalette): string {
  const level = cell?.level ?? 'unknown';
  if (level === 'unknown' || level === 'grey') return palette.blank;
  return level === 'none' ? palette.land : palette.level[level];
}

function paintShape(
  ctx: CanvasRenderingContext2D,
  window: Window,
  scene: Scene,
  palette: MapPalette,
  shape: Shape,
): void {
  const cell = scene.cells.get(shape.code);
  tracePath(ctx, window, shape);
  ctx.globalAlpha = FILL_ALPHA;
  ctx.fillStyle = fillOf(cell, palette);
  ctx.fill('evenodd');
  ctx.globalAlpha = 1;
  if (cell?.isUnverified) hatch(ctx, window, shape, palette);
  ctx.strokeStyle = cell?.isOpen ? palette.text : palette.line;
  ctx.lineWidth = cell?.isOpen ? 3 : 1;
  ctx.setLineDash(cell?.isProvisional ? [5, 4] : []);
  tracePath(ctx, window, shape);
  ctx.stroke();
  ctx.setLineDash([]);
}

function hatch(
  ctx: CanvasRenderingContext2D,
  window: Window,
  shape: Shape,
  palette: MapPalette,
): void {
  ctx.save();
  ctx.clip('evenodd');
  const xs = shape.rings.flat().map((point) => screenX(window, point.x));
  const ys = shape.rings.flat().map((point) => screenY(window, point.y));
  const [left, right] = [Math.min(...xs), Math.max(...xs)];
  const [top, bottom] = [Math.min(...ys), Math.max(...ys)];
  ctx.strokeStyle = palette.text;
  ctx.globalAlpha = 0.45;
  ctx.lineWidth = 2;
  ctx.beginPath();
  for (let x = left - (bottom - top); x < right; x += 9) {
    ctx.moveTo(x, bottom);
    ctx.lineTo(x + (bottom - top), top);
  }
  ctx.stroke();
  ctx.restore();
}

/** Names with their word, and beside them what sensors alone say. */
function paintLabels(
  ctx: CanvasRenderingContext2D,
  window: Window,
  scene: Scene,
  palette: MapPalette,
): void {
  const hasRoom = window.size >= SENSED_FROM_SIZE;
  const told = new Map<string, { text: string; sensed: Cell['sensed'] }>();
  const labels = scene.shapes.flatMap((shape) => {
    const cell = scene.cells.get(shape.code);
    if (cell === undefined) return [];
    const text = cell.level === 'none' ? cell.name : `${cell.name} ${cell.word}`;
    const sensed = hasRoom ? cell.sensed : null;
    const [x, y] = [screenX(window, shape.label.x), screenY(window, shape.label.y)];
    const isSeen = x > -80 && x < window.width + 80 && y > -20 && y < window.height + 20;
    if (!isSeen) return [];
    told.set(shape.code, { text, sensed });
    // What stands in the box needs its room too when names are moved apart.
    return [{ key: shape.code, text: sensed === null ? text : `${text}  ${sensed.word}`, x, y }];
  });
  ctx.textBaseline = 'middle';
  for (const label of placeLabels(labels)) {
    const { text, sensed } = told.get(label.key) ?? { text: label.text, sensed: null };
    const chipWidth = sensed === null ? 0 : textWidth(sensed.word) + 8;
    ctx.font = LABEL_FONT;
    ctx.textAlign = 'center';
    const x = label.x - (sensed === null ? 0 : (chipWidth + CHIP_GAP) / 2);
    haloText(ctx, text, x, label.y, palette);
    if (sensed === null) continue;
    const half = ctx.measureText(text).width / 2;
    chip(ctx, x + half + CHIP_GAP, label.y, sensed.word, sensed.level, palette);
  }
}

/** All tails in one stroke and all hulls in one fill: thousands of them cost one call each. */
export function paintFleet(
  ctx: CanvasRenderingContext2D,
  window: Window,
  scene: Scene,
  palette: MapPalette,
): void {
  const { fleet } = scene;
  const seen: number[] = [];
  const hulls = new Path2D();
  const tails = new Path2D();
  for (let place = 0; place < fleet.ids.length; place += 1) {
    const x = screenX(window, fleet.x[place] ?? Number.NaN);
    const y = screenY(window, fleet.y[place] ?? Number.NaN);
    if (!(x > -20 && x < window.width + 20 && y > -20 && y < window.height + 20)) continue;
    seen.push(place);
    traceHull(hulls, x, y, fleet.course[place] ?? Number.NaN);
    const n = fleet.n[place] ?? 0;
    if (n === 0) continue;
    tails.moveTo(x, y);
    for (let back = place * TAIL; back < place * TAIL + n; back += 1) {
      tails.lineTo(
        screenX(window, fleet.tailX[back] ?? 0),
        screenY(window, fleet.tailY[back] ?? 0),
      );
    }
  }
  ctx.strokeStyle = palette.vessel;
  ctx.globalAlpha = 0.45;
  ctx.lineWidth = 1;
  ctx.stroke(tails);
  ctx.globalAlpha = 1;
  ctx.fillStyle = palette.vessel;
  ctx.fill(hulls);
  ctx.textBaseline = 'middle';
  for (const place of seen) {
    const level = scene.vesselAlerts.get(place);
    if (level === undefined || level === 'none') continue;
    const x = screenX(window, fleet.x[place] ?? 0);
    const y = screenY(window, fleet.y[place] ?? 0);
    chip(ctx, x + 6, y, scene.words.level[level], level, palette);
  }
}

const HULL_PX = 5;

function traceHull(path: Path2D, x: number, y: number, course: number): void {
  if (Number.isNaN(course)) {
    path.moveTo(x + 3, y);
    path.arc(x, y, 3, 0, 2 * Math.PI);
    return;
  }
  const [sine, cosine] = [Math.sin((course * Math.PI) / 180), Math.cos((course * Math.PI) / 180)];
  path.moveTo(x + HULL_PX * sine, y - HULL_PX * cosine);
  path.lineTo(x - HULL_PX * sine + 3 * cosine, y + HULL_PX * cosine + 3 * sine);
  path.lineTo(x - HULL_PX * sine - 3 * cosine, y + HULL_PX * cosine - 3 * sine);
  path.closePath();
}

function paintCluster(
  ctx: CanvasRenderingContext2D,
  window: Window,
  scene: Scene,
  palette: MapPalette,
  cluster: Cluster,
): void {
  const [x, y] = [screenX(window, cluster.x), screenY(window, cluster.y)];
  if (x < -30 || x > window.width + 30 || y < -30 || y > window.height + 30) return;
  const [single] = cluster.things;
  ctx.fillStyle = palette.surface;
  ctx.strokeStyle = palette.text;
  ctx.lineWidth = 1.4;
  ctx.beginPath();
  if (cluster.things.length === 1 && single !== undefined) {
    traceKind(ctx, single.kind, x, y);
    ctx.fill();
    ctx.stroke();
  } else {
    ctx.arc(x, y, 9, 0, 2 * Math.PI);
    ctx.fill();
    ctx.stroke();
    ctx.font = SMALL_FONT;
    ctx.textAlign = 'center';
    ctx.textBaseline = 'middle';
    ctx.fillStyle = palette.text;
    ctx.fillText(String(cluster.things.length), x, y + 0.5);
  }
  // From afar only what is bad: the alerts stand beside the map, and names want to be read.
  const isFar = window.size < ALERTS_FROM_SIZE;
  const isBad = cluster.level === 'orange' || cluster.level === 'red';
  if (cluster.level === 'none' || (isFar && !isBad)) return;
  ctx.textBaseline = 'middle';
  chip(ctx, x + 8, y - 9, scene.words.level[cluster.level], cluster.level, palette);
}

/** Each kind has a form of its own, so that no colour is needed to tell them apart. */
function traceKind(ctx: CanvasRenderingContext2D, kind: string, x: number, y: number): void {
  switch (kind) {
    case 'shelter':
      ctx.rect(x - 5, y - 5, 10, 10);
      break;
    case 'construction_site':
      ctx.moveTo(x, y - 6);
      ctx.lineTo(x + 6, y + 5);
      ctx.lineTo(x - 6, y + 5);
      ctx.closePath();
      break;
    case 'enterprise':
      ctx.moveTo(x, y - 6);
      ctx.lineTo(x + 6, y);
      ctx.lineTo(x, y + 6);
      ctx.lineTo(x - 6, y);
      ctx.closePath();
      break;
    default:
      ctx.arc(x, y, 5, 0, 2 * Math.PI);
  }
}
