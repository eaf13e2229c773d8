/** Is the assessment itself late? A stream may be open while what it tells is long past. */

/** Ticks come each minute of the scene … */
const LATE_AFTER_SCENE_MS = 180_000;
/** … which a fast scene passes in a moment: then the age in real time counts too. */
const LATE_AFTER_REAL_MS = 10_000;

export function isAssessmentLate(ageSceneMs: number, speed: number): boolean {
  return ageSceneMs > LATE_AFTER_SCENE_MS && ageSceneMs > LATE_AFTER_REAL_MS * speed;
}
