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

/** Which of the three made the displayed level of Index B. */
export type DisplayedBy = 'assessed' | 'official' | 'response';

export type Cap = { id: string; since: string | null; expires: string | null };

/** One score as the page works with it; `takeScore` makes it from what the server says. */
export type Score = {
  index: string;
  township: string;
  time: string;
  score: number | null;
  level: LevelName | null;
  grey: boolean;
  provisional: boolean;
  revised: boolean;
  coverage: number;
  confidence: number;
  /** Of Index B only, else null. */
  hazard_level: LevelName | null;
  sensed_level: LevelName | null;
  official_level: LevelName | null;
  response_level: LevelName | null;
  displayed_level: LevelName | null;
  displayed_by: DisplayedBy | null;
  /** The thing that alone says so. */
  unverified: string | null;
  attention: number | null;
  n_unmoved: number;
  n_life_alarms: number;
  model: string;
  model_hash: string;
  origin: Origin;
  missing: string[];
  caps: Cap[];
  /** The strongest drivers in one sentence, in the language of the request. */
  drivers: string | null;
};

export type Scores = {
  index: string;
  time: string;
  commit: number | null;
  origin: Origin;
  items: unknown[];
  county: unknown;
};

export type Explanation = {
  index: string;
  township: string;
  time: string;
  score: unknown;
  tree: ScoreNode;
};

export type AlertClass = 'life' | 'hazard' | 'equipment';
export type AlertPhase =
  'pending' | 'firing' | 'acknowledged' | 'resolving' | 'resolved' | 'forgotten';
export type ActingAs = 'desk' | 'unit';

/** An alert as it stands after its newest transition. */
export type Alert = {
  id: string;
  /** Of the newest transition; grows by 1. */
  sequence: number;
  datastream: string;
  thing: string;
  property: string;
  township: string | null;
  class: AlertClass;
  phase: AlertPhase;
  level: LevelName;
  level_highest: LevelName;
  confirmed_level: LevelName;
  value: number | null;
  limit: number | null;
  unit: string;
  /** When the value was true, and when it came. */
  phenomenon_time: string | null;
  received: string | null;
  opened: string;
  closed: string | null;
  updated: string;
  is_late: boolean;
  needs_person: boolean;
  data_missing: boolean;
  escalated: boolean;
  in_maintenance: boolean;
  is_false: boolean;
  silenced: boolean;
  acknowledged_by: string | null;
  acknowledged_at: string | null;
  acknowledged_by_unit: string | null;
  opened_in_storm: boolean;
  transition: string;
  origin: Origin;
};

export type Area = 'county' | { townships: string[] };

type Declaration = {
  id: string;
  issuer: string;
  issued: string;
  valid_from: string;
  valid_until: string | null;
  cancelled: string | null;
  note?: string | null;
};

export type SignalKind = 'typhoon' | 'gale' | 'rainstorm' | 'tide' | 'geological';
export type Signal = Declaration & { kind: SignalKind; level: LevelName; area: Area };
export type EmergencyResponse = Declaration & { level: LevelName; area: Area };
export type LatitudeBand = { lat_min: number; lat_max: number; deadline: string };
export type RecallOrder = Declaration & { bands: LatitudeBand[] };

/** Warning levels of one station's datastream; a colour it does not have is absent or null. */
export type WarningLevels = Partial<Record<Exclude<LevelName, 'none'>, number | null>>;

export type Datastream = {
  id: string;
  property: string;
  channel: string | null;
  levels?: WarningLevels | null;
  datum?: string | null;
};

export type Thing = {
  id: string;
  kind: string;
  name: LocalizedName;
  township: string | null;
  state: string;
  /** Longitude and latitude, WGS 84. */
  position?: [number, number] | null;
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

/** The state at the beginning of a stream; what was not asked for is absent. */
export type Snapshot = {
  scores: unknown[];
  county?: unknown[] | null;
  alerts?: Alert[] | null;
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
