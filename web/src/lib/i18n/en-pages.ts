import type { Dictionary } from './zh';
import type { zhPages } from './zh-pages';

export const enPages: Pick<Dictionary, keyof typeof zhPages> = {
  pages: {
    missing: 'There is no such page.',
    loading: 'Opening the page',
    failed:
      'This part of the page could not be read. The server may be upgraded or out of reach; load it again.',
  },

  duration: {
    second: (n) => `${n} s`,
    minute: (n) => `${n} min`,
    hour: (n) => `${n} h`,
    day: (n) => `${n} d`,
  },

  chart: {
    loading: 'Preparing the chart',
    span: 'Span',
    hours: (n) => `${n} h`,
    days: (n) => `${n} days`,
    empty: (label) => `${label}: no data in this span.`,
    said: (label, last, least, most) =>
      `${label}: newest ${last}, lowest ${least}, highest ${most}.`,
  },

  township: {
    overTime: 'The index over time',
    inHistory: 'Open in History',
    contributions: 'What makes the score',
    total: 'Total',
    nothing: (n) => `${n} more parts add nothing.`,
    things: 'Devices of this township',
    noThings: 'No devices are registered.',
    silent: (n) => `${n} silent`,
    isSilent: 'silent',
    allOf: (n) => `All ${n}`,
  },

  holds: {
    title: (level) => `Why still ${level.toLowerCase()}`,
    falls: (time, level) => `If nothing more comes, it falls to ${level.toLowerCase()} at ${time}.`,
    stays: 'If nothing more comes, the level does not fall.',
    noFall: 'The data of now does not support a lower level.',
    run: (time) => `Better since ${time}.`,
    none: 'No input is held: the level rests on fresh data.',
    points: (score) => `${score} points`,
    last: (time, age) => `last value ${time}, ${age}`,
    since: (time) => `held since ${time}`,
    rule: 'A level falls after 30 minutes of better values; no data is not no danger. Displayed level:',
  },

  overrides: {
    title: (what) => `Decided by people: ${what}`,
    kinds: { release: 'Release', fault: 'Mark faulty', confirm: 'Confirm' },
    hints: {
      release: 'The old value is held no longer; until new data comes the input is unknown.',
      fault: 'As in maintenance: its readings do not count and its alarms are marked false.',
      confirm: 'Checked and true: no longer shown as unverified.',
    },
    what: (kind, what) => `${kind}: ${what}`,
    reason: 'Reason (required)',
    second: 'Second person (required at orange and red)',
    secondNeeded: 'Second person (required: the hazard is orange or red)',
    until: 'Valid for, at most 3 days',
    login: 'Log in to decide',
    done: (kind) => `${kind}: sent`,
    by: (by, from, until) => `${by}, ${from}, until ${until}`,
    end: 'Withdraw',
  },

  thing: {
    unknown: (id) => `There is no device with the id ${id}.`,
    heard: (age) => `Last heard ${age}`,
    neverHeard: 'Never heard',
    show: (name) => `Show ${name} in the chart`,
    alerts: 'Alerts of this device',
    limits: 'Warning levels of this station',
    datum: (datum) => `Height datum: ${datum}`,
    last: 'Last readings',
    noReadings: 'No readings in this span.',
    delay: 'Took',
    deadline: (time) => `Recalled to port by ${time}`,
    deadlineOver: (late) => `${late} over`,
    deadlineIn: (left) => `${left} left`,
    tests: {
      gross_range: 'outside what is possible',
      rate_of_change: 'changed too fast',
      spike: 'a lone spike',
      flat_line: 'not moving',
    },
    sections: {
      people: 'People',
      supplies: 'Supplies',
      power: 'Power',
      air: 'Indoor air',
      crane: 'Crane',
      pit: 'Pit',
      formwork: 'Formwork',
      site: 'State of the site',
      position: 'Position',
      port: 'Port and contact',
      distress: 'Distress',
      engine: 'Engine',
      gas: 'Gases',
      tank: 'Tanks',
      credit: 'Credit and certificates',
      water: 'Water and tide',
      rain: 'Rain and soil',
      wind: 'Wind',
      weather: 'Weather and waves',
      readiness: 'Duty and teams',
      other: 'Other properties',
    },
  },
};
