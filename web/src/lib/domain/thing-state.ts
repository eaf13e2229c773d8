/** How the state of a thing is laid out: sections by its kind, each with the properties that belong there. */

import type { Datastream, Thing } from '../api/types';

const GAS = [
  'combustible_gas_concentration',
  'hydrogen_sulfide_concentration',
  'ammonia_concentration',
  'carbon_monoxide_concentration',
  'chlorine_concentration',
  'sulfur_dioxide_concentration',
  'oxygen_concentration',
];
const POWER = ['mains_power', 'backup_power_runtime', 'battery_voltage'];
const PIT = [
  'pit_wall_horizontal_displacement',
  'pit_deep_horizontal_displacement',
  'pit_wall_settlement',
  'ground_settlement',
  'pipe_displacement',
  'displacement_rate',
  'groundwater_level_change',
  'groundwater_change_rate',
  'strut_force_ratio',
];

export type SectionKey =
  | 'people'
  | 'supplies'
  | 'power'
  | 'air'
  | 'crane'
  | 'pit'
  | 'formwork'
  | 'site'
  | 'position'
  | 'port'
  | 'distress'
  | 'engine'
  | 'gas'
  | 'tank'
  | 'credit'
  | 'water'
  | 'rain'
  | 'wind'
  | 'weather'
  | 'readiness'
  | 'other';

type Layout = readonly (readonly [SectionKey, readonly string[]])[];

const LAYOUTS: Readonly<Record<string, Layout>> = {
  shelter: [
    ['people', ['shelter_status', 'occupancy', 'capacity', 'occupancy_rate']],
    [
      'supplies',
      [
        'drinking_water_stock',
        'food_stock',
        'quilt_stock',
        'supply_coverage',
        'supply_arriving_12h',
        'supply_eta',
      ],
    ],
    ['power', POWER],
    [
      'air',
      [
        'smoke_alarm',
        'carbon_dioxide_concentration',
        'carbon_monoxide_concentration',
        'indoor_air_temperature',
        'relative_humidity',
      ],
    ],
  ],
  construction_site: [
    ['site', ['site_work_stopped', 'smoke_alarm', 'pm10_mass_concentration']],
    [
      'crane',
      [
        'crane_load_moment_ratio',
        'crane_load_ratio',
        'crane_wind_speed',
        'crane_wind_while_hoisting',
        'crane_tilt',
        'crane_weathervaned',
      ],
    ],
    ['pit', PIT],
    ['formwork', ['formwork_settlement', 'formwork_lateral_displacement', 'formwork_tilt']],
    ['power', POWER],
  ],
  fishing_vessel: [
    [
      'position',
      ['position_longitude', 'position_latitude', 'speed_over_ground', 'course_over_ground'],
    ],
    ['port', ['in_haven', 'recall_overdue', 'silent_duration', 'group_distance']],
    ['distress', ['sos_alarm', 'bilge_level', 'smoke_alarm']],
    ['engine', ['engine_coolant_temperature', 'engine_oil_pressure', 'battery_voltage']],
  ],
  enterprise: [
    ['gas', [...GAS, 'smoke_alarm']],
    ['tank', ['tank_level', 'tank_pressure_ratio', 'tank_temperature']],
    [
      'credit',
      ['credit_grade', 'major_hazard_index', 'certificates_required', 'certificates_valid'],
    ],
    ['power', POWER],
  ],
  hydromet_station: [
    ['water', ['water_level', 'reservoir_level', 'tide_level', 'waterlogging_depth']],
    ['rain', ['rainfall_depth', 'rainfall_1h', 'rainfall_3h', 'rainfall_24h', 'soil_water_index']],
    ['wind', ['wind_speed', 'wind_speed_of_gust', 'wind_from_direction']],
    [
      'weather',
      [
        'air_temperature',
        'relative_humidity',
        'air_pressure',
        'visibility',
        'sea_surface_wave_significant_height',
      ],
    ],
    ['power', POWER],
  ],
  township_office: [
    ['people', ['people_to_evacuate', 'people_evacuated', 'population']],
    [
      'readiness',
      [
        'duty_confirmations_due',
        'duty_confirmations_received',
        'rescue_team_required',
        'rescue_team_ready',
        'equipment_required',
        'equipment_held',
      ],
    ],
    ['power', POWER],
  ],
};

export type Section = { key: SectionKey; datastreams: Datastream[] };

/** All datastreams of the thing, each in one section; what fits nowhere comes last. */
export function sectionsOf(thing: Pick<Thing, 'kind' | 'datastreams'>): Section[] {
  const layout = LAYOUTS[thing.kind] ?? [];
  const placed = new Set<string>();
  const sections = layout.map(([key, properties]): Section => {
    const datastreams = properties.flatMap((property) =>
      thing.datastreams.filter((each) => each.property === property),
    );
    for (const each of datastreams) placed.add(each.id);
    return { key, datastreams };
  });
  const others = thing.datastreams.filter((each) => !placed.has(each.id));
  return [...sections, { key: 'other' as const, datastreams: others }].filter(
    (section) => section.datastreams.length > 0,
  );
}

/** What somebody who opens the thing wants to see over time first. */
const MAIN: Readonly<Record<string, readonly string[]>> = {
  shelter: ['occupancy'],
  construction_site: ['crane_wind_speed', 'crane_load_moment_ratio'],
  fishing_vessel: ['speed_over_ground'],
  enterprise: GAS,
  hydromet_station: ['tide_level', 'water_level', 'reservoir_level', 'wind_speed', 'rainfall_1h'],
  township_office: ['people_evacuated'],
};

export function mainDatastream(thing: Pick<Thing, 'kind' | 'datastreams'>): Datastream | null {
  for (const property of MAIN[thing.kind] ?? []) {
    const found = thing.datastreams.find((each) => each.property === property);
    if (found !== undefined) return found;
  }
  return thing.datastreams[0] ?? null;
}
