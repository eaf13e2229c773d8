/** The views beside the overview: each opens by its tab or link, shows what it is for, and keeps its manners. */

import { assert } from './browser.mjs';

const WITHIN_MS = 30_000;

export async function checkViews(page, checkManners) {
  await checkThing(page);
  await checkManners('thing');
  await checkSituation(page);
  await checkManners('situation');
  await checkHistory(page);
  await checkManners('history');
  await checkAdmin(page, checkManners);
  await checkWall(page);
  await checkManners('wall');
  await page.goBack();
  await page.waitForSelector('[data-tab="overview"]');
}

/** From the list to one thing: its state, and a chart that was drawn. */
async function checkThing(page) {
  await page.click('[data-tab="things"]');
  await page.locator('[data-datastream] th a').first().click();
  await page.waitForSelector('[data-thing]', { timeout: WITHIN_MS });
  await page.waitForSelector('[data-chart-of] canvas', { timeout: WITHIN_MS });
  const path = await page.evaluate(() => location.pathname);
  assert(/^\/things\/[a-z0-9_-]+$/.test(path), `a thing has the address ${path}`);
}

/** County and townships are there, in one table. */
async function checkSituation(page) {
  await page.click('[data-tab="situation"]');
  await page.waitForSelector('[data-situation]', { timeout: WITHIN_MS });
  const n = await page.locator('[data-situation]').count();
  assert(n > 1, 'the situation has no townships');
}

async function checkHistory(page) {
  await page.click('[data-tab="history"]');
  await page.waitForSelector('select[name="score-township"] option:nth-child(2)', {
    state: 'attached',
  });
  await page.selectOption('select[name="score-township"]', { index: 1 });
  await page.click('[data-action="add-score"]');
  await page.waitForSelector('[data-chart] canvas', { timeout: WITHIN_MS });
  const search = await page.evaluate(() => location.search);
  assert(
    search.includes('score:') || search.includes('score%3A'),
    `the address lacks it: ${search}`,
  );
}

async function checkAdmin(page, checkManners) {
  await page.click('[data-tab="admin"]');
  await page.waitForSelector('[data-balanced]', { timeout: WITHIN_MS });
  await checkManners('ledger');
  await page.click('[data-part="readiness"]');
  await page.waitForSelector('[data-readiness] tbody tr');
  await checkManners('readiness');
  await page.click('[data-part="models"]');
  await page.waitForSelector('[data-model]');
  await checkManners('models');
}

/** All of it is on the screen at once: nobody scrolls a wall. */
async function checkWall(page) {
  await page.click('[data-tab="wall"]');
  await page.waitForSelector('[data-wall] [data-connection]', { timeout: WITHIN_MS });
  await page.waitForSelector('[data-map] canvas', { state: 'attached', timeout: WITHIN_MS });
}
