/** Storms and what the agencies say of them. */

import { read } from './http';
import type { LocalizedName, Page } from './types';

export type StormFix = {
  time: string;
  position: [number, number];
  pressure_hpa: number | null;
  wind_mps: number | null;
  force7_km: number | null;
  force10_km: number | null;
  force12_km: number | null;
};

export type Storm = {
  id: string;
  name: LocalizedName;
  number: string | null;
  ended: string | null;
};

export type Bulletin = {
  id: string;
  storm: string;
  agency: string;
  issued: string;
  is_final: boolean;
  observed: StormFix[];
  forecast: StormFix[];
};

export const storms = {
  list: async () => (await read<Page<Storm>>('/storms?limit=20')).items,
  bulletins: async (storm: string) =>
    (await read<Page<Bulletin>>(`/storms/${encodeURIComponent(storm)}/bulletins?limit=200`)).items,
};
