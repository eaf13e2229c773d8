/**
 * The server's scene clock, carried on between its answers: the instant it
 * told, moved on by a local clock that never jumps, at the scene's speed.
 */

import type { Clock } from '../api/types';
import { parseTime } from '../format/time';

export type SceneClock = { scene: number; speed: number; at: number };

export function sceneClock(clock: Clock, at: number): SceneClock | null {
  const scene = parseTime(clock.scene);
  return scene === null ? null : { scene, speed: clock.speed, at };
}

export function sceneNow(clock: SceneClock, now: number): number {
  return clock.scene + (now - clock.at) * clock.speed;
}
