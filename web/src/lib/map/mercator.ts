/** Web Mercator in units of the whole world, 0 to 1: multiplied by its size in pixels it is a place on the screen. */

export type World = { x: number; y: number };

/** Beyond this the projection has no end. */
const LATITUDE_MAX = 85;
const EQUATOR_KM = 40_075;

export function toWorld(longitude: number, latitude: number): World {
  const held = Math.min(Math.max(latitude, -LATITUDE_MAX), LATITUDE_MAX);
  const sine = Math.sin((held * Math.PI) / 180);
  return {
    x: longitude / 360 + 0.5,
    y: 0.5 - Math.log((1 + sine) / (1 - sine)) / (4 * Math.PI),
  };
}

/** How long a kilometre is at a latitude, in units of the world. */
export function kilometre(latitude: number): number {
  return 1 / (EQUATOR_KM * Math.cos((latitude * Math.PI) / 180));
}

/** Where the world lies on the screen: pixels = world × size − offset. */
export type Window = { size: number; left: number; top: number; width: number; height: number };

export const screenX = (window: Window, x: number) => x * window.size - window.left;
export const screenY = (window: Window, y: number) => y * window.size - window.top;
