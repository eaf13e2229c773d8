/**
 * Measures what the page promises about its speed, against the fixture.
 *
 *   VESSELS=3000 EVENTS_PER_S=200 STEP_MS=315360 node e2e/fixture/server.mjs
 *   BASE_URL=http://127.0.0.1:8099 node e2e/figures.mjs
 *
 * Prints one line of JSON for each figure, and ends with 1 when one is not reached.
 */

import { assert, Browser } from './browser.mjs';

const settings = {
  baseUrl: process.env.BASE_URL ?? 'http://127.0.0.1:8099',
  out: '',
  chromium: process.env.CHROMIUM ?? '/usr/bin/chromium',
};
const SLOWDOWN = 4;
const FRAMES_MS = 10_000;
const EVENTS = 20_000;

const browser = await Browser.launch(settings);
let failed = 0;

function figure(name, value, most, unit) {
  const isReached = value <= most;
  if (!isReached) failed += 1;
  console.log(
    JSON.stringify({ name, value: Math.round(value * 100) / 100, most, unit, isReached }),
  );
}

async function interactive() {
  const { page, close } = await browser.open({ width: 1440, height: 900, path: '/favicon.svg' });
  const session = await page.context().newCDPSession(page);
  await session.send('Emulation.setCPUThrottlingRate', { rate: SLOWDOWN });
  const startedAt = Date.now();
  await page.goto(settings.baseUrl);
  await page.waitForSelector('[data-township] a', { timeout: 30_000 });
  figure('interactive at a CPU slowed four times', Date.now() - startedAt, 2_000, 'ms');
  await close();
}

/** The script of each frame of the map, and the longest of all frames, while vessels move. */
async function vessels() {
  const { page, close } = await browser.open({ width: 1440, height: 900 });
  await page.waitForSelector('[data-map] canvas[data-paint-ms]', { state: 'attached' });
  await page.waitForTimeout(3_000);
  const session = await page.context().newCDPSession(page);
  await session.send('Performance.enable');
  const scriptMs = async () => {
    const { metrics } = await session.send('Performance.getMetrics');
    return 1000 * metrics.find((metric) => metric.name === 'ScriptDuration').value;
  };
  const before = await scriptMs();
  const found = await page.evaluate(async (lengthMs) => {
    const canvas = document.querySelector('[data-map] canvas');
    const paints = [];
    const frames = [];
    new MutationObserver(() => paints.push(Number(canvas.dataset.paintMs))).observe(canvas, {
      attributeFilter: ['data-paint-ms'],
    });
    const until = performance.now() + lengthMs;
    let before = performance.now();
    while (performance.now() < until) {
      const now = await new Promise((resolve) => requestAnimationFrame(resolve));
      frames.push(now - before);
      before = now;
    }
    const sorted = (list) => [...list].sort((a, b) => a - b);
    const at = (list, share) => sorted(list)[Math.floor((list.length - 1) * share)] ?? NaN;
    return {
      n: paints.length,
      nFrames: frames.length,
      p95: at(paints, 0.95),
      longest: Math.max(...frames),
    };
  }, FRAMES_MS);
  assert(found.n > 0, 'no vessel moved while it was measured');
  const perFrame = ((await scriptMs()) - before) / found.nFrames;
  figure(`script per frame of ${found.nFrames}, events and drawing`, perFrame, 8, 'ms');
  figure(`drawing the map, p95 of ${found.n}`, found.p95, 8, 'ms');
  figure('longest frame while vessels move', found.longest, 100, 'ms');
  await close();
}

async function points() {
  const path = '/history?s=hm-001/wind_speed&hours=8760&step=raw';
  const { page, close } = await browser.open({ width: 1440, height: 900, path });
  await page.waitForSelector('[data-chart][data-drawn-ms]', { timeout: 60_000 });
  await page.waitForTimeout(1_000);
  const drawn = Number(await page.locator('[data-chart]').getAttribute('data-drawn-ms'));
  figure('a year of 100,000 points drawn', drawn, 500, 'ms');
  await close();
}

/** The heap after many events against that after a tenth of them. */
async function heap() {
  const { page, close } = await browser.open({ width: 1440, height: 900, init: countEvents });
  const session = await page.context().newCDPSession(page);
  await session.send('HeapProfiler.enable');
  const used = async () => {
    await session.send('HeapProfiler.collectGarbage');
    const { usedSize } = await session.send('Runtime.getHeapUsage');
    return usedSize / 2 ** 20;
  };
  await eventsUntil(page, EVENTS / 10);
  const early = await used();
  await eventsUntil(page, EVENTS);
  const late = await used();
  figure(
    `growth of the heap, ${Math.round(early)} to ${Math.round(late)} MiB`,
    late / early,
    1.2,
    '×',
  );
  await close();
}

/** Runs in the page before its own script: counts what the stream brings. */
function countEvents() {
  window.eventsSeen = 0;
  const add = EventSource.prototype.addEventListener;
  EventSource.prototype.addEventListener = function (type, listener) {
    add.call(this, type, (event) => {
      window.eventsSeen += 1;
      listener(event);
    });
  };
}

async function eventsUntil(page, n) {
  await page.waitForFunction((least) => window.eventsSeen >= least, n, { timeout: 600_000 });
}

try {
  await interactive();
  await vessels();
  await points();
  await heap();
} finally {
  await browser.close();
}
process.exitCode = failed === 0 ? 0 : 1;
