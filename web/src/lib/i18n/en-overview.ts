import type { Dictionary } from './zh';
import type { zhOverview } from './zh-overview';

export const enOverview: Pick<Dictionary, keyof typeof zhOverview> = {
  tabs: {
    label: 'Parts of this page',
    overview: 'Overview',
    alerts: 'Alerts',
    situation: 'Situation',
    things: 'Devices',
    history: 'History',
    wall: 'Wall',
    admin: 'Administration',
  },

  level: {
    none: 'None',
    blue: 'Blue',
    yellow: 'Yellow',
    orange: 'Orange',
    red: 'Red',
    unknown: 'No data',
    grey: 'Too little data',
  },

  grade: {
    blue: 'Blue · good',
    yellow: 'Yellow · fair',
    orange: 'Orange · middling',
    red: 'Red · poor',
    unknown: 'No data',
    grey: 'Too little data',
  },

  levels: {
    displayed: 'Displayed level',
    assessed: 'Assessed level',
    hazard: 'Hazard level',
    official: 'Official signal',
    response: 'Emergency response',
    shortDisplayed: 'Displayed',
    shortAssessed: 'Assessed',
    shortHazard: 'Hazard',
    by: {
      assessed: 'by assessment',
      hazard: 'by hazard',
      official: 'by official signal',
      response: 'by response',
    },
    hint: 'The displayed level is the highest of assessed level, official signal and response. The assessed level is this system’s conclusion, neither a warning nor a response.',
  },

  legend: {
    below: (bound) => `< ${bound}`,
    range: (from, below) => `${from} to < ${below}`,
    from: (bound) => `≥ ${bound}`,
    truncated: 'Scores are cut to one decimal, not rounded.',
    hatched: 'hatched: unverified',
    provisional: 'dashed: provisional',
  },

  flood: {
    short: 'Flood and typhoon',
    direction: 'higher is more dangerous',
  },

  safety: {
    short: 'Safety',
    direction: 'higher is safer',
    figure: (score) => `${score}, higher is safer`,
    points: (score) => score,
    gradeHint: 'A grade of safety, not a level of danger',
  },

  county: {
    title: 'County',
    flood: 'County flood and typhoon index',
    safety: 'County safety index',
    leftOut: (names) => `Too little data, left out: ${names}`,
    n: (n) => `${n} townships`,
    counts: 'Displayed levels of the townships',
    unmoved: (n) => `${n} people not yet moved`,
  },

  trend: {
    up: (points, span) => `up ${points} within ${span}`,
    down: (points, span) => `down ${points} within ${span}`,
    steady: (span) => `about the same within ${span}`,
    hour: '1 h',
    minutes: (n) => `${n} min`,
    none: 'no trend: confidence below 70%, or too little history',
  },

  confidence: {
    label: 'Confidence',
    short: 'Conf.',
    value: (percent) => `confidence ${percent}`,
    coverage: 'Coverage',
  },

  townships: {
    title: 'Townships',
    name: 'Township',
    caption: 'Flood and typhoon index and safety index of each township, in order of attention',
    order: 'Order',
    orders: {
      attention: 'by attention',
      flood: 'by flood and typhoon index',
      safety: 'by safety index, lowest first',
      code: 'by code',
    },
    held: 'order kept while you point at the list',
    assessedAt: (time, age) => `assessed for ${time} (${age})`,
    open: (name) => `Show details of ${name} and how its scores are made`,
    empty: 'No townships are configured.',
    noScores: 'No assessment has come yet.',
    count: (n) => n,
    lifeAlarms: (n) => `life alerts: ${n}`,
    unmoved: (n) => `${n} not moved`,
    provisional: 'provisional',
    unverified: 'unverified',
    revised: 'revised',
    capped: 'capped',
  },

  map: {
    title: 'Sketch map',
    note: 'Illustrative: outlines derived from the seats, not administrative boundaries.',
    layer: 'Colour by',
    label: (name, score, layer, level) =>
      `${name}, flood and typhoon index ${score}, ${layer} ${level}`,
    unverified: (label) => `${label}, unverified`,
  },

  declarations: {
    title: 'Official signals and responses',
    none: 'No official signal, response or recall order is in force.',
    unknown: 'Reading',
    failed: (detail) => `Could not be read: ${detail}`,
    signal: (kind) => `${kind} warning signal`,
    kinds: {
      typhoon: 'Typhoon',
      gale: 'Gale',
      rainstorm: 'Rainstorm',
      tide: 'Storm surge',
      geological: 'Geological',
    },
    response: {
      none: 'Emergency response',
      blue: 'Response Ⅳ',
      yellow: 'Response Ⅲ',
      orange: 'Response Ⅱ',
      red: 'Response Ⅰ',
    },
    recall: 'Recall of fishing vessels',
    wholeCounty: 'whole county',
    issued: (issuer, time, age) => `${issuer}, issued ${time} (${age})`,
    until: (time) => `until ${time}`,
    open: 'until lifted',
    deadline: (band, time) => `${band}: in port by ${time}`,
    band: (south, north) => `${south}°–${north}° N`,
    southOf: (north) => `south of ${north}° N`,
    northOf: (south) => `north of ${south}° N`,
  },

  detail: {
    back: 'Back to the list',
    index: 'Index',
    unknownTownship: 'There is no such township.',
    noScore: 'No score yet.',
    model: (model) => `model ${model}`,
    assessed: (time, age) => `assessed for ${time}, ${age}`,
    sensed: 'Sensed level, without official signals',
    unmoved: 'Not yet moved',
    people: (n) => `${n} people`,
    lifeAlarms: 'Life alerts',
    alertCount: (n) => n,
    grey: 'Too little data: only what is known is shown, without an assessed level; the level shown follows hazard and official signals.',
    greySafety: 'Too little data: only what is known is shown, without a grade.',
    provisional:
      'Provisional: a whole part has no data and an assumed value stands in; it may change.',
    provisionalSafety:
      'Provisional: a dimension has no data; the grade is never better than yellow.',
    unverified: (thing) =>
      `Unverified: the readings of “${thing}” alone support this level. Please check: confirm it, mark it as faulty, or send somebody. Until somebody answers it is shown as it is and not lowered.`,
    missing: (names) => `No fresh data: ${names}. No data does not mean no danger.`,
    caps: 'Caps',
    since: (time) => `since ${time}`,
    expires: (time) => `until ${time}`,
    alerts: 'Alerts of this township',
    noAlerts: 'No open alerts.',
  },

  explain: {
    title: 'How the score is made',
    loading: 'Reading how the score is made',
    failed: (detail) => `How the score is made could not be read: ${detail}`,
    none: 'There is nothing to unfold for this score.',
    sum: (sum, score) => `the parts add up to ${sum}, the score is ${score}`,
    adds: 'the sum agrees with the score',
    addsNot:
      'the sum does not agree with the score: do not rely on it, and tell those who keep this system',
    cut: 'Figures are cut to one decimal; the sum is that of the uncut ones.',
    node: 'Part',
    score: 'Score',
    weight: 'Weight',
    contribution: 'Adds',
    value: 'Raw value',
    source: 'Source',
    age: 'Age',
    quality: 'Quality',
    more: (n) => `${n} parts`,
    others: (first, n) => `${first} and others, ${n} in all`,
    states: {
      known: 'known',
      held: 'held',
      unknown: 'no data',
      not_applicable: 'not applicable',
    },
    aggregation: {
      arithmetic: 'weighted mean',
      geometric: 'weighted geometric mean: a weak part cannot be bought off',
      maximum: 'the highest part counts',
      compound: 'the highest group in full, the second in part',
    },
  },
};
