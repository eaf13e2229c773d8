/** uPlot's options for a chart: its axes, and bands, limits and events drawn under the lines. */

import uPlot from 'uplot';

import type { LevelName } from '../api/types';
import { TIME_ZONE } from '../format/time';
import { axisOf, axisUnits, type Chart } from './lines';

export type Words = {
  level: (level: LevelName) => string;
  unit: (ucum: string) => string;
  time: (ms: number, spanMs: number) => string;
  number: (value: number) => string;
};

export type Palette = {
  text: string;
  soft: string;
  grid: string;
  lines: string[];
  level: Record<LevelName, string>;
};

const BAND_ALPHA = 0.18;
const LINE_WIDTH = 1.6;
export const DASHES = [[], [7, 3], [2, 2], [9, 3, 2, 3], [4, 4], [12, 4]];
/** Beyond this many points a gap between two readings cannot be seen anyway. */
const POINTS_SHOWN_MAX = 60;

/** The colours of the style sheet: a canvas cannot use them by name. */
export function paletteOf(element: Element): Palette {
  const style = getComputedStyle(element);
  const of = (name: string) => style.getPropertyValue(name).trim();
  return {
    text: of('--text'),
    soft: of('--text-soft'),
    grid: of('--line'),
    lines: [1, 2, 3, 4, 5, 6].map((n) => of(`--series-${n}`)),
    level: {
      none: 'transparent',
      blue: of('--level-blue'),
      yellow: of('--level-yellow'),
      orange: of('--level-orange'),
      red: of('--level-red'),
    },
  };
}

/** One line has its own times; several are joined on all of theirs. */
export function dataOf(chart: Chart): uPlot.AlignedData {
  const tables = chart.lines.map(
    (line) => [line.times, line.values] as unknown as uPlot.AlignedData,
  );
  const [single] = tables;
  if (single === undefined) return [[]];
  // Where another line has a time and this one has none, this one simply goes on.
  return tables.length === 1 ? single : uPlot.join(tables);
}

export function optionsOf(
  chart: Chart,
  palette: Palette,
  words: Words,
  size: { width: number; height: number },
): uPlot.Options {
  const units = axisUnits(chart.lines);
  const spanMs = chart.to - chart.from;
  const axes: uPlot.Axis[] = [
    {
      stroke: palette.soft,
      grid: { stroke: palette.grid, width: 1 },
      ticks: { stroke: palette.grid },
      values: (_, splits) => splits.map((ms) => words.time(ms, spanMs)),
      space: 90,
    },
    ...units.map((unit, place): uPlot.Axis => {
      return {
        scale: unit,
        side: place % 2 === 0 ? 3 : 1,
        stroke: palette.soft,
        grid: { show: place === 0, stroke: palette.grid, width: 1 },
        ticks: { stroke: palette.grid },
        size: 58,
        label: words.unit(unit),
        labelSize: unit === '1' || unit === '' ? 0 : 18,
        values: (_, splits) => splits.map((value) => words.number(value)),
      };
    }),
  ];
  return {
    ...size,
    ms: 1,
    tzDate: (ms) => uPlot.tzDate(new Date(ms), TIME_ZONE),
    legend: { show: false },
    cursor: { drag: { x: true, y: false, setScale: false }, points: { size: 7 } },
    scales: {
      x: { time: true, range: [chart.from, chart.to] },
      ...Object.fromEntries(units.map((unit, place) => [unit, scaleOf(chart, place)])),
    },
    axes,
    series: [{}, ...chart.lines.map((_, place) => seriesOf(chart, place, units, palette))],
    hooks: {
      drawAxes: [(plot) => drawUnder(plot, chart, units[0], palette, words)],
    },
  };
}

function scaleOf(chart: Chart, place: number): uPlot.Scale {
  const { range, limits = [] } = chart;
  if (place > 0) return {};
  return {
    range: (_, least, most) => {
      const known = [least, most, ...(range ?? []), ...limits.map((limit) => limit.value)];
      const finite = known.filter((value) => value !== null && Number.isFinite(value));
      if (finite.length === 0) return [0, 1];
      const [low, high] = [Math.min(...finite), Math.max(...finite)];
      const room = range === undefined ? Math.max((high - low) * 0.06, 1e-6) : 0;
      return [low - room, high + room];
    },
  };
}

function seriesOf(chart: Chart, place: number, units: string[], palette: Palette): uPlot.Series {
  const line = chart.lines[place];
  if (line === undefined) return {};
  const series: uPlot.Series = {
    label: line.label,
    scale: axisOf(line.unit, units),
    stroke: lineColour(palette, place),
    width: LINE_WIDTH,
    dash: DASHES[place % DASHES.length] ?? [],
    points: { show: line.times.length <= POINTS_SHOWN_MAX, size: 4 },
    spanGaps: false,
  };
  const stepped = uPlot.paths.stepped;
  if (line.isStepped && stepped) series.paths = stepped({ align: 1 });
  return series;
}

export function lineColour(palette: Palette, place: number): string {
  return palette.lines[place % palette.lines.length] ?? palette.text;
}

function drawUnder(
  plot: uPlot,
  chart: Chart,
  scale: string | undefined,
  palette: Palette,
  words: Words,
): void {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  ctx.font = `${11 * devicePixelRatio}px system-ui, sans-serif`;
  if (scale !== undefined) drawBands(plot, chart, scale, palette, words);
  if (scale !== undefined) drawLimits(plot, chart, scale, palette, words);
  drawEvents(plot, chart, palette);
  ctx.restore();
}

function drawBands(plot: uPlot, chart: Chart, scale: string, palette: Palette, words: Words): void {
  const { ctx, bbox } = plot;
  for (const band of chart.bands ?? []) {
    const bottom =
      band.from === null ? bbox.top + bbox.height : plot.valToPos(band.from, scale, true);
    const top = band.below === null ? bbox.top : plot.valToPos(band.below, scale, true);
    ctx.globalAlpha = BAND_ALPHA;
    ctx.fillStyle = palette.level[band.level];
    ctx.fillRect(bbox.left, top, bbox.width, bottom - top);
    ctx.globalAlpha = 1;
    write(plot, words.level(band.level), bbox.left + 4, (top + bottom) / 2, palette);
  }
}

function drawLimits(
  plot: uPlot,
  chart: Chart,
  scale: string,
  palette: Palette,
  words: Words,
): void {
  const { ctx, bbox } = plot;
  for (const limit of chart.limits ?? []) {
    const y = plot.valToPos(limit.value, scale, true);
    ctx.strokeStyle = palette.level[limit.level];
    ctx.lineWidth = 2 * devicePixelRatio;
    ctx.setLineDash([8 * devicePixelRatio, 4 * devicePixelRatio]);
    stroke(ctx, bbox.left, y, bbox.left + bbox.width, y);
    const said = `${words.level(limit.level)} ${words.number(limit.value)}`;
    write(plot, said, bbox.left + 4, y - 7 * devicePixelRatio, palette);
  }
  ctx.setLineDash([]);
}

function drawEvents(plot: uPlot, chart: Chart, palette: Palette): void {
  const { ctx, bbox } = plot;
  for (const event of chart.events ?? []) {
    const x = plot.valToPos(event.time, 'x', true);
    ctx.strokeStyle = palette.text;
    ctx.lineWidth = devicePixelRatio;
    ctx.setLineDash([2 * devicePixelRatio, 3 * devicePixelRatio]);
    stroke(ctx, x, bbox.top, x, bbox.top + bbox.height);
    ctx.setLineDash([]);
    write(plot, event.key, x + 3 * devicePixelRatio, bbox.top + 8 * devicePixelRatio, palette);
  }
}

function stroke(
  ctx: CanvasRenderingContext2D,
  fromX: number,
  fromY: number,
  toX: number,
  toY: number,
): void {
  ctx.beginPath();
  ctx.moveTo(fromX, fromY);
  ctx.lineTo(toX, toY);
  ctx.stroke();
}

function write(plot: uPlot, text: string, x: number, y: number, palette: Palette): void {
  plot.ctx.fillStyle = palette.text;
  plot.ctx.textBaseline = 'middle';
  plot.ctx.textAlign = 'left';
  plot.ctx.fillText(text, x, y);
}
