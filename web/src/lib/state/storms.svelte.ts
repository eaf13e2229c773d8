/** Storms that are not over, with their bulletins. They come a few times a day and are read now and then. */

import { storms, type Bulletin, type Storm } from '../api/storms';
import { ApiProblem } from '../api/client';
import { live } from './live.svelte';

const REFRESH_MS = 30_000;
/** A storm without news for longer is over, whether or not somebody ended it (in scene time). */
const OVER_AFTER_MS = 24 * 3_600_000;

export type StormNews = { storm: Storm; bulletins: Bulletin[] };

class StormState {
  storms: readonly StormNews[] = $state.raw([]);
  #isReading = false;

  watch(): () => void {
    void this.load();
    const timer = setInterval(() => void this.load(), REFRESH_MS);
    return () => clearInterval(timer);
  }

  /** The storm is an extra on the map: where it may not be read, it is not drawn. */
  async load(): Promise<void> {
    if (this.#isReading) return;
    this.#isReading = true;
    try {
      const open = (await storms.list()).filter((storm) => storm.ended === null);
      const news = await Promise.all(
        open.map(async (storm): Promise<StormNews> => {
          return { storm, bulletins: await storms.bulletins(storm.id) };
        }),
      );
      this.storms = news.filter(({ bulletins }) => bulletins.some(isCurrent));
    } catch (error) {
      if (!(error instanceof ApiProblem)) throw error;
      if (error.isForbidden) this.storms = [];
    } finally {
      this.#isReading = false;
    }
  }
}

/** Does it say anything of the last day or of the time to come? */
function isCurrent(bulletin: Bulletin): boolean {
  const times = [...bulletin.observed, ...bulletin.forecast].map((fix) => Date.parse(fix.time));
  return live.now !== null && Math.max(...times) > live.now - OVER_AFTER_MS;
}

export const stormState = new StormState();
