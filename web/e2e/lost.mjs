/** A server that is gone: shown within 5 s, and over without a reload. */

import { assert } from './browser.mjs';
import { enter } from './checks.mjs';

const LOST_WITHIN_MS = 5_000;
const RECOVERED_WITHIN_MS = 60_000;

export async function checkLost(browser, settings) {
  assert(settings.serverPid > 0, 'SERVER_PID has to name the server to kill');
  const { page, problems, close } = await browser.open({
    width: 1440,
    height: 900,
    isLossExpected: true,
  });
  await enter(page, settings);
  await page.waitForSelector('[data-township]');
  process.kill(settings.serverPid, 'SIGKILL');
  const killedAt = Date.now();
  await page.waitForSelector('[data-connection="lost"]', { timeout: LOST_WITHIN_MS });
  await page.waitForSelector('[data-stale]', { timeout: LOST_WITHIN_MS });
  const afterMs = Date.now() - killedAt;
  assert(afterMs <= LOST_WITHIN_MS, `the loss was shown after ${afterMs} ms`);
  console.log(`the loss was shown after ${afterMs} ms`);
  await browser.shoot(page, 'overview-lost');

  if (settings.expectsRecovery) {
    await page.waitForSelector('[data-connection="live"]', { timeout: RECOVERED_WITHIN_MS });
    await page.waitForFunction(() => document.querySelector('[data-stale]') === null);
    console.log(`live again ${Date.now() - killedAt} ms after the kill`);
    await browser.shoot(page, 'overview-recovered');
  }
  assert(problems.length === 0, problems.join('; '));
  await close();
}
