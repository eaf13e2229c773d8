/**
 * The open alerts of a running server, each shown once with its words, on desk
 * and phone. EXPECTED is JSON: `township`, whose level stands on one station
 * alone, and `alerts`, each with its `id`, `class`, `level`, `marks`, and
 * `words` that have to stand in its row.
 */

import { assert } from './browser.mjs';
import { enter } from './checks.mjs';
import { checkNoSideways } from './manners.mjs';

const VIEWS = [
  { name: 'desk', width: 1440, height: 900 },
  { name: 'phone', width: 390, height: 844, isTouch: true },
];

async function checkAlert(page, expected) {
  const row = page.locator(`#alerts [data-alert="${expected.id}"]`);
  const n = await row.count();
  assert(n === 1, `${expected.id} (${expected.words[0]}) is shown ${n} times`);
  assert(await row.isVisible(), `${expected.id} is not in sight`);
  const text = await row.innerText();
  const missing = expected.words.filter((word) => !text.includes(word));
  assert(missing.length === 0, `the row lacks ${missing.join(', ')}: ${text}`);
  const shown = {
    class: await row.getAttribute('data-class'),
    level: await row.locator('[data-level]').getAttribute('data-level'),
    marks: await row.locator('[data-mark]').evaluateAll((all) => all.map((m) => m.dataset.mark)),
  };
  for (const [key, value] of Object.entries(shown)) {
    const wanted = expected[key];
    assert(String(value) === String(wanted), `${key} is "${value}", not "${wanted}": ${text}`);
  }
}

async function checkView(browser, settings, view, expected) {
  const { page, problems, close } = await browser.open(view);
  await enter(page, settings);
  const township = page.locator(`[data-township="${expected.township}"]`);
  await township.waitFor();
  assert((await township.innerText()).includes('未证实'), 'the township is not marked 未证实');
  await browser.shoot(page, `alarms-township-${view.name}`);
  if (view.name === 'phone') await page.click('[data-tab="alerts"]');
  await page.waitForSelector('#alerts [data-alert]');
  const n = await page.locator('#alerts [data-alert]').count();
  assert(n === expected.alerts.length, `${n} alerts are shown, not ${expected.alerts.length}`);
  for (const alert of expected.alerts) await checkAlert(page, alert);
  const urgent = expected.alerts.filter((alert) => alert.class === 'life').length;
  const called = await page.locator('[data-urgent]').getAttribute('data-urgent');
  assert(called === String(urgent), `${called} alerts about lives are called out, not ${urgent}`);
  await checkNoSideways(page, `alarms-${view.name}`);
  await browser.shoot(page, `alarms-${view.name}`);
  assert(problems.length === 0, `${view.name}: ${problems.join('; ')}`);
  await close();
}

export async function checkAlarms(browser, settings) {
  const expected = JSON.parse(settings.expected);
  for (const view of VIEWS) await checkView(browser, settings, view, expected);
}
