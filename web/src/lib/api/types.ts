/** The shapes of `/api/v1` that the page reads. Times are RFC 3339 with offset. */

export type LocalizedName = { zh: string; en: string };

export type Origin = 'real' | 'replay' | 'simulated';
export type PublicRead = 'none' | 'indices' | 'all';

export type Clock = { scene: string; real: string; speed: number };

export type Session = {
  user: { name: string; role: string } | null;
  public_read: PublicRead;
  origin: Origin;
  title: LocalizedName;
  county: { code: string; name: LocalizedName };
  bureau: LocalizedName;
  version: string;
};

export type Page<T> = { items: T[]; next_cursor: string | null };

export type Township = {
  code: string;
  name: LocalizedName;
  seat: [number, number];
  coastal: boolean;
  villages: number | null;
};

export type Ring = [number, number][];
export type OutlineGeometry =
  { type: 'Polygon'; coordinates: Ring[] } | { type: 'MultiPolygon'; coordinates: Ring[][] };
export type Outlines = {
  type: 'FeatureCollection';
  features: { type: 'Feature'; properties: { code: string }; geometry: OutlineGeometry }[];
};

export type LevelName = 'none' | 'blue' | 'yellow' | 'orange' | 'red';
export type LevelBound = { level: LevelName; from: number };

export type Index = {
  id: string;
  name: LocalizedName;
  direction: string;
  model: string;
  model_hash: string;
  levels: LevelBound[];
  note: LocalizedName | null;
};

export type NodeState = 'known' | 'held' | 'unknown' | 'not_applicable';

export type Raw = {
  value: number;
  unit: string;
  time: string;
  age_s: number;
  quality: number | string;
  datastreams: string[];
};

/** A node of the tree that explains a score. */
export type ScoreNode = {
  id: string;
  kind: string;
  aggregation: string | null;
  score: number | null;
  weight: number | null;
  contribution: number | null;
  state: NodeState;
  raw: Raw | null;
  reasons: string[];
  parts: ScoreNode[];
};

export type Score = {
  index: string;
  township: string;
  time: string;
  score: number | null;
  level: LevelName | null;
  model: string;
  model_hash: string;
  origin: Origin;
  missing: string[];
  parts: ScoreNode[];
};

export type Datastream = {
  id: string;
  property: string;
  channel: string | null;
};

export type Thing = {
  id: string;
  kind: string;
  name: LocalizedName;
  township: string | null;
  state: string;
  datastreams: Datastream[];
};

export type Property = {
  id: string;
  name: LocalizedName;
  unit: string;
  kinds: string[];
  period_s: number | null;
  computed: boolean;
};

/** Newest values of many datastreams, one column each, all of equal length. */
export type LatestColumns = {
  commit: number;
  datastream: string[];
  time: string[];
  value: number[];
  quality: number[];
  unchanged_since?: (string | null)[];
};

export type Snapshot = {
  scores: Score[];
  latest?: LatestColumns | null;
  clock: Clock;
};

export type LedgerSums = {
  received: number;
  stored: number;
  duplicate: number;
  quarantined: number;
  refused: number;
  replaced: number;
  lost_acknowledged: number;
};

export type Ledger = { total: LedgerSums; balanced: boolean };

export type QuarantineItem = {
  id: string | number;
  source: string;
  thing: string | null;
  topic: string;
  received: string;
  reason: string;
  detail: string;
  n_readings: number;
  redriven: string | null;
};
