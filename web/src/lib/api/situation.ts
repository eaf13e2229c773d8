/** The situation: absolute numbers of the county and its townships at an instant. */

import { query, read } from './http';
import type { LevelName, LocalizedName, Origin } from './types';

export type PeopleCategory = {
  channel: string;
  to_move: number | null;
  moved: number | null;
  left: number | null;
  /** Is it to be moved at the level of now? */
  in_demand: boolean;
};

/** What is not known is null: it is shown as unknown and never as nought. */
export type SituationRow = {
  code: string;
  name: LocalizedName;
  displayed_level: LevelName | null;
  level: LevelName | null;
  attention_rank: number | null;
  people: {
    to_move: number | null;
    moved: number | null;
    left: number | null;
    share_left: number | null;
    categories: PeopleCategory[];
    reported: string | null;
  };
  vessels: {
    total: number | null;
    in_haven: number | null;
    at_sea: number | null;
    at_sea_force7: number | null;
    silent: number | null;
    overdue: number | null;
    named_overdue: { thing: string; name: LocalizedName }[];
  };
  shelters: {
    total: number | null;
    usable: number | null;
    places: number | null;
    people: number | null;
    share_used: number | null;
    reported: string | null;
  };
  sites: {
    total: number | null;
    stopped: number | null;
    not_stopped: number | null;
    share_not_stopped: number | null;
  };
  power: {
    things: number | null;
    mains_lost: number | null;
    backup_under_2h: number | null;
    silent: number | null;
  };
  reports: { last: string | null; late_offices: string[] };
  unknown: string[];
  change_1h: {
    people_left: number | null;
    vessels_at_sea: number | null;
    shelter_people: number | null;
    sites_not_stopped: number | null;
    mains_lost: number | null;
  } | null;
};

export type Situation = {
  time: string;
  origin: Origin;
  county: SituationRow;
  townships: SituationRow[];
};

/** `at` empty: now; the server keeps the last hour. */
export function readSituation(at: string, language: string): Promise<Situation> {
  return read<Situation>(`/situation${query({ at })}`, { language });
}
