/**
 * The overview in a real browser, against a running server.
 *
 *   BASE_URL=http://127.0.0.1:8080 OUT=shots node e2e/overview.mjs
 *   BASE_URL=… SERVER_PID=4711 node e2e/overview.mjs --lost
 *
 * BASE_URL        the page's address
 * ADMIN_PASSWORD  when set, logs in through the dialog first (ADMIN_NAME, default `admin`)
 *                 and acknowledges the first alert, which stays acknowledged
 * OUT             a directory for screenshots; none are taken without it
 * CHROMIUM        the browser, default /usr/bin/chromium
 * TOWNSHIPS       how many there have to be, default 18
 * VIEW            `desk` or `phone`, default both
 *
 * `--lost` kills SERVER_PID and wants the stale state within 5 s; with
 * EXPECT_RECOVERY=1 somebody starts the server again, and the page has to be
 * live again without a reload. `--alarms` wants the alerts of EXPECTED (see
 * alarms.mjs), and no others. Exit 0: all holds; 1: a line says what does not.
 */

import { checkAlarms } from './alarms.mjs';
import { Browser } from './browser.mjs';
import { checkLost } from './lost.mjs';
import { checkOverview } from './checks.mjs';

const settings = {
  baseUrl: process.env.BASE_URL ?? 'http://127.0.0.1:8080',
  password: process.env.ADMIN_PASSWORD ?? '',
  name: process.env.ADMIN_NAME ?? 'admin',
  out: process.env.OUT ?? '',
  chromium: process.env.CHROMIUM ?? '/usr/bin/chromium',
  nTownships: Number(process.env.TOWNSHIPS ?? '18'),
  view: process.env.VIEW ?? '',
  serverPid: Number(process.env.SERVER_PID ?? '0'),
  expectsRecovery: process.env.EXPECT_RECOVERY === '1',
  expected: process.env.EXPECTED ?? '',
};
const CHECKS = { '--lost': checkLost, '--alarms': checkAlarms };

const browser = await Browser.launch(settings);
try {
  await (CHECKS[process.argv[2]] ?? checkOverview)(browser, settings);
  console.log('the page is as it should be');
} catch (error) {
  console.error(
    `the page is not as it should be: ${error instanceof Error ? error.message : error}`,
  );
  process.exitCode = 1;
} finally {
  await browser.close();
}
