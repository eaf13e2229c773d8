/**
 * Positions of vessels with the tails they draw behind them.
 *
 * Kept in flat arrays that are changed in place: with thousands of vessels
 * objects per position would be thrown away in every frame.
 */

import { toWorld } from './mercator';

/** As many earlier positions as a tail has. */
export const TAIL = 10;
/** Less than this, about 20 m, is no movement but the noise of the receiver. */
const STEP_MIN = 20 / 40_075_000;

export class Fleet {
  readonly ids: readonly string[];
  /** Of each vessel its newest place and its course in degrees; not a number where it is unknown. */
  readonly x: Float64Array;
  readonly y: Float64Array;
  readonly course: Float32Array;
  /** Earlier places, `TAIL` for each vessel, the newest first; `n` of them are there. */
  readonly tailX: Float64Array;
  readonly tailY: Float64Array;
  readonly n: Uint8Array;

  constructor(ids: readonly string[]) {
    this.ids = ids;
    this.x = new Float64Array(ids.length).fill(Number.NaN);
    this.y = new Float64Array(ids.length).fill(Number.NaN);
    this.course = new Float32Array(ids.length).fill(Number.NaN);
    this.tailX = new Float64Array(ids.length * TAIL);
    this.tailY = new Float64Array(ids.length * TAIL);
    this.n = new Uint8Array(ids.length);
  }

  /** Tells whether the vessel moved. */
  put(place: number, longitude: number, latitude: number, course: number | null): boolean {
    const { x, y } = toWorld(longitude, latitude);
    const [oldX, oldY] = [this.x[place] ?? Number.NaN, this.y[place] ?? Number.NaN];
    this.course[place] = course ?? Number.NaN;
    if (Number.isNaN(oldX)) {
      this.x[place] = x;
      this.y[place] = y;
      return true;
    }
    if (Math.hypot(x - oldX, y - oldY) < STEP_MIN) return false;
    const first = place * TAIL;
    this.tailX.copyWithin(first + 1, first, first + TAIL - 1);
    this.tailY.copyWithin(first + 1, first, first + TAIL - 1);
    this.tailX[first] = oldX;
    this.tailY[first] = oldY;
    this.n[place] = Math.min(TAIL, (this.n[place] ?? 0) + 1);
    this.x[place] = x;
    this.y[place] = y;
    return true;
  }
}
