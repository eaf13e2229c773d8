/**
 * One canvas over a Leaflet map. Leaflet moves and zooms; everything is drawn
 * here, at most once per frame, however often somebody asks for it.
 */

import * as L from 'leaflet';

import type { Window } from './mercator';

export type Painter = (ctx: CanvasRenderingContext2D, window: Window) => void;

const TILE_PX = 256;

export class CanvasLayer extends L.Layer {
  readonly #painter: Painter;
  readonly #scale: number;
  readonly #canvas = document.createElement('canvas');
  #owner: L.Map | null = null;
  #frame = 0;

  /** `scale`: how much larger than on a desk everything is drawn. */
  constructor(painter: Painter, scale: number) {
    super();
    this.#scale = scale;
    this.#painter = painter;
    this.#canvas.className = 'map-canvas';
  }

  override onAdd(map: L.Map): this {
    this.#owner = map;
    map.getContainer().append(this.#canvas);
    map.on('move zoom resize viewreset', this.redraw, this);
    this.redraw();
    return this;
  }

  override onRemove(map: L.Map): this {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    map.off('move zoom resize viewreset', this.redraw, this);
    this.#canvas.remove();
    this.#owner = null;
    return this;
  }

  redraw(): void {
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
    const ctx = this.#canvas.getContext('2d');
    if (window === null || ctx === null) return;
    const startedAt = performance.now();
    const ratio = devicePixelRatio * this.#scale;
    const [width, height] = [window.width * ratio, window.height * ratio].map(Math.round);
    if (this.#canvas.width !== width || this.#canvas.height !== height) {
      this.#canvas.width = width ?? 0;
      this.#canvas.height = height ?? 0;
    }
    ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.#painter(ctx, window);
    // For whoever measures: how long the script of this frame took.
    this.#canvas.dataset['paintMs'] = (performance.now() - startedAt).toFixed(2);
  }
}
