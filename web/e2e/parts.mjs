/** What has to hold on the parts of the page: township, alerts, devices. */

import { assert } from './browser.mjs';

const ROWS_MAX = 100;
const ALERTS_MAX = 50;
/** More parts than a tree of an index has. */
const PARTS_MAX = 200;

/** Opens the first township, and its tree down to the last value. */
export async function checkExplanation(page) {
  const first = page.locator('[data-open]').first();
  const name = await first.innerText();
  await first.click();
  const title = await page.locator('#detail-title').innerText();
  assert(title === name, `behind "${name}" is "${title}"`);
  for (const index of ['safety', 'flood']) {
    await page.click(`[data-detail] [data-index="${index}"]`);
    await page.waitForSelector(`[data-detail] [data-summary="${index}"]`);
    await page.waitForSelector('[data-detail] [data-node]');
    await openAll(page);
    const sum = page.locator('[data-detail] [data-adds]');
    if ((await sum.count()) > 0) {
      assert((await sum.getAttribute('data-adds')) === 'true', await sum.innerText());
    }
    const bare = await page
      .locator('[data-node] > .row:has(> .value:not(:empty))')
      .evaluateAll((rows) =>
        rows.filter((row) => row.querySelector('.quality').textContent.trim() === '').map(String),
      );
    assert(bare.length === 0, `${bare.length} values of ${name} are without quality`);
  }
}

async function openAll(page) {
  const closed = page.locator('[data-detail] [data-node] button[aria-expanded="false"]');
  for (let n = 0; n < PARTS_MAX && (await closed.count()) > 0; n += 1) {
    await closed.first().click();
  }
}

/** Alerts are in sight, never too many at once; one is taken up where that is allowed. */
export async function checkAlerts(page, mayAct) {
  await page.waitForSelector('#alerts:visible [role="group"], #alerts:visible .message');
  const shown = page.locator('#alerts [data-alert]');
  const n = await shown.count();
  assert(n <= ALERTS_MAX, `${n} alerts are in the document at once`);
  const open = page.locator('#alerts [data-alert][data-acknowledged="false"] [data-acknowledge]');
  if (!mayAct || (await open.count()) === 0) return;
  const id = await open.first().getAttribute('data-acknowledge');
  await open.first().click();
  await page.fill('[data-acknowledge-form] input[name="note"]', '已电话核实');
  await page.click('[data-acknowledge-form] button.primary');
  // It may move down the list, out of the part that is shown.
  await page.waitForFunction(
    (alert) => {
      const item = document.querySelector(`#alerts [data-alert="${alert}"]`);
      return item === null || item.dataset.acknowledged === 'true';
    },
    id,
    { timeout: 30_000 },
  );
}

export async function checkLiveValues(page, withinMs) {
  await page.waitForSelector('[data-datastream] [data-value] b', { timeout: withinMs });
  const n = await page.locator('[data-datastream]').count();
  assert(n <= ROWS_MAX, `${n} rows are in the document at once`);
  // Gas sensors report each minute; the other kinds are slower than this check waits.
  if ((await page.locator('select[name="kind"] option[value="enterprise"]').count()) > 0) {
    await page.selectOption('select[name="kind"]', 'enterprise');
  }
  const values = async () => (await page.locator('[data-value]').allTextContents()).join('|');
  const before = await values();
  const until = Date.now() + withinMs;
  while ((await values()) === before) {
    assert(Date.now() < until, `no value changed within ${withinMs / 1000} s`);
    await page.waitForTimeout(500);
  }
  await page.selectOption('select[name="kind"]', '');
}

export async function checkFilters(page) {
  const range = await page.locator('[data-range]').innerText();
  await page.fill('input[name="text"]', 'no such thing anywhere');
  await page.waitForFunction(() => document.querySelector('[data-datastream]') === null);
  await page.fill('input[name="text"]', '');
  await page.waitForSelector('[data-datastream]');
  assert((await page.locator('[data-range]').innerText()) === range, 'the filter did not let go');
}
