/** By when a vessel has to be in port: the deadline of its latitude in the recall orders in force. */

import type { RecallOrder } from '../api/types';
import { parseTime } from '../format/time';
import { inForce } from './declarations';

export type Deadline = { order: RecallOrder; time: number };

/** The earliest deadline of all orders whose bands hold this latitude; null where none does. */
export function deadlineAt(
  orders: readonly RecallOrder[],
  latitude: number,
  now: number,
): Deadline | null {
  let found: Deadline | null = null;
  for (const { document } of inForce(orders, ['sea'], now)) {
    for (const band of document.bands) {
      const time = parseTime(band.deadline);
      if (time === null || latitude < band.lat_min || latitude >= band.lat_max) continue;
      if (found === null || time < found.time) found = { order: document, time };
    }
  }
  return found;
}
