/**
 * Two canvases over a Leaflet map: one for the ground, which changes seldom,
 * and above it one for what moves. Leaflet moves and zooms; everything is drawn
 * here, at most once per frame, however often somebody asks for it.
 */

import * as L from 'leaflet';

import type { Window } from './mercator';

export type Painter = (ctx: CanvasRenderingContext2D, window: Window) => void;

const TILE_PX = 256;

export class CanvasLayer extends L.Layer {
  readonly #painters: { ground: Painter; moving: Painter };
  readonly #scale: number;
  readonly #ground = canvas();
  readonly #moving = canvas();
  #owner: L.Map | null = null;
  #frame = 0;
  #isGroundOld = true;

  /** `scale`: how much larger than on a desk everything is drawn. */
  constructor(painters: { ground: Painter; moving: Painter }, scale: number) {
    super();
    this.#painters = painters;
    this.#scale = scale;
  }

  override onAdd(map: L.Map): this {
    this.#owner = map;
    map.getContainer().append(this.#ground, this.#moving);
    map.on('move zoom resize viewreset', this.redraw, this);
    this.redraw();
    return this;
  }

  override onRemove(map: L.Map): this {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    map.off('move zoom resize viewreset', this.redraw, this);
    this.#ground.remove();
    this.#moving.remove();
    this.#owner = null;
    return this;
  }

  redraw(): void {
    this.#isGroundOld = true;
    this.redrawMoving();
  }

  redrawMoving(): void {
    if (this.#frame !== 0 || this.#owner === null) return;
    this.#frame = requestAnimationFrame(() => this.#draw());
  }

  /** What of the world the map shows now. */
  window(): Window | null {
    const map = this.#owner;
    if (map === null) return null;
    const scale = this.#scale;
    const { x, y } = map.getSize();
    const size = (TILE_PX * 2 ** map.getZoom()) / scale;
    const corner = map.project(map.containerPointToLatLng([0, 0]), map.getZoom());
    const [left, top] = [corner.x / scale, corner.y / scale];
    return { size, left, top, width: x / scale, height: y / scale };
  }

  #draw(): void {
    this.#frame = 0;
    const window = this.window();
    if (window === null) return;
    const startedAt = performance.now();
    if (this.#isGroundOld) this.#paint(this.#ground, window, this.#painters.ground);
    this.#isGroundOld = false;
    this.#paint(this.#moving, window, this.#painters.moving);
    // For whoever measures: how long the script of this frame took.
    this.#ground.dataset['paintMs'] = (performance.now() - startedAt).toFixed(2);
  }

  #paint(on: HTMLCanvasElement, window: Window, painter: Painter): void {
    const ctx = on.getContext('2d');
    if (ctx === null) return;
    const ratio = devicePixelRatio * this.#scale;
    const width = Math.round(window.width * ratio);
    const height = Math.round(window.height * ratio);
    if (on.width !== width || on.height !== height) {
      on.width = width;
      on.height = height;
    }
    ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
    ctx.clearRect(0, 0, window.width, window.height);
    painter(ctx, window);
  }
}

function canvas(): HTMLCanvasElement {
  const made = document.createElement('canvas');
  made.className = 'map-canvas';
  return made;
}
