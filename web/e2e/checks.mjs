/** What has to hold on the overview of a running server. */

import { assert, checkAxe } from './browser.mjs';

const WORDS = {
  zh: { none: '无', blue: '蓝', yellow: '黄', orange: '橙', red: '红', unknown: '无数据' },
  en: {
    none: 'None',
    blue: 'Blue',
    yellow: 'Yellow',
    orange: 'Orange',
    red: 'Red',
    unknown: 'No data',
  },
};
const VIEWS = [
  { name: 'desk', width: 1440, height: 900 },
  { name: 'phone', width: 390, height: 844 },
];
const WITHIN_MS = 90_000;
const ROWS_MAX = 100;

/** Logs in where a password is given; without one the page must be readable as it is. */
export async function enter(page, settings) {
  await page.waitForSelector('[data-action="login"]', { timeout: 30_000 });
  if (settings.password) {
    await page.click('[data-action="login"]');
    await page.fill('input[name="name"]', settings.name);
    await page.fill('input[name="password"]', settings.password);
    await page.click('dialog button.primary');
    await page.waitForSelector('[data-action="logout"]');
  }
  await page.waitForSelector('[data-connection="live"]', { timeout: WITHIN_MS });
}

async function checkTownships(page, nTownships) {
  await page.waitForSelector('[data-township]');
  const rows = page.locator('[data-township]');
  const n = await rows.count();
  assert(n === nTownships, `${n} townships are listed, not ${nTownships}`);
  await page.waitForFunction(
    () =>
      [...document.querySelectorAll('[data-score]')].some((cell) => /\d/.test(cell.textContent)),
    null,
    { timeout: WITHIN_MS },
  );
  const texts = await page.locator('[data-score]').allTextContents();
  const wrong = texts.map((text) => text.trim()).find((text) => !/^(\d{1,3}\.\d|—)$/.test(text));
  assert(wrong === undefined, `a score reads "${wrong}"`);
}

/** Every coloured element carries its word, and the scale stands beside it. */
async function checkLevels(page, locale) {
  const chips = await page
    .locator('[data-level]')
    .evaluateAll((all) => all.map((chip) => [chip.dataset.level, chip.textContent.trim()]));
  assert(chips.length > 0, 'no level is shown');
  for (const [level, text] of chips) {
    assert(text === WORDS[locale][level], `level ${level} reads "${text}"`);
  }
  const cells = await page
    .locator('svg a')
    .evaluateAll((all) =>
      all.map((cell) => [
        cell.querySelector('[data-map-level]').dataset.mapLevel,
        cell.getAttribute('aria-label'),
      ]),
    );
  for (const [level, label] of cells) {
    assert(label.endsWith(WORDS[locale][level]), `on the map ${level} is called "${label}"`);
  }
  const legend = await page.locator('[data-legend]').innerText();
  for (const word of Object.values(WORDS[locale])) {
    assert(legend.includes(word), `the legend lacks "${word}"`);
  }
  for (const bound of ['40', '60', '75', '90']) {
    assert(legend.includes(bound), `the legend lacks the bound ${bound}`);
  }
}

/** Opens the worst township down to its stations. */
async function checkExplanation(page) {
  await page.locator('[data-township] button').first().click();
  await page.waitForSelector('[data-detail] [data-node]');
  const quantities = page.locator('[data-detail] [data-node] button');
  if ((await quantities.count()) > 0) {
    await quantities.first().click();
    await page.waitForSelector('[data-detail] li.station');
  }
}

async function checkLiveValues(page) {
  await page.waitForSelector('[data-datastream] [data-value] b', { timeout: WITHIN_MS });
  const n = await page.locator('[data-datastream]').count();
  assert(n <= ROWS_MAX, `${n} rows are in the document at once`);
  // Gas sensors report each minute; the other kinds are slower than this check waits.
  if ((await page.locator('select[name="kind"] option[value="enterprise"]').count()) > 0) {
    await page.selectOption('select[name="kind"]', 'enterprise');
  }
  const values = async () => (await page.locator('[data-value]').allTextContents()).join('|');
  const before = await values();
  const until = Date.now() + WITHIN_MS;
  while ((await values()) === before) {
    assert(Date.now() < until, `no value changed within ${WITHIN_MS / 1000} s`);
    await page.waitForTimeout(500);
  }
  await page.selectOption('select[name="kind"]', '');
}

async function checkFilters(page) {
  const range = await page.locator('[data-range]').innerText();
  await page.fill('input[name="text"]', 'no such thing anywhere');
  await page.waitForFunction(() => document.querySelector('[data-datastream]') === null);
  await page.fill('input[name="text"]', '');
  await page.waitForSelector('[data-datastream]');
  assert((await page.locator('[data-range]').innerText()) === range, 'the filter did not let go');
}

async function checkOrigin(page) {
  const badge = page.locator('[data-origin]');
  if ((await badge.count()) === 0) return;
  const text = await badge.innerText();
  assert(text.includes('模拟'), `the origin reads "${text}"`);
  assert((await page.title()).includes(text), 'the origin is not in the title');
  await page.emulateMedia({ media: 'print' });
  assert(await badge.isVisible(), 'the origin is not printed');
  await page.emulateMedia({ media: null });
}

async function checkNoSideways(page, where) {
  const excess = await page.evaluate(
    () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
  );
  assert(excess <= 0, `${where}: the page is ${excess} px too wide`);
}

export async function checkOverview(browser, settings) {
  for (const { name, width, height } of VIEWS) {
    for (const colorScheme of ['light', 'dark']) {
      const { page, problems, close } = await browser.open({ width, height, colorScheme });
      await enter(page, settings);
      await checkTownships(page, settings.nTownships);
      await checkExplanation(page);
      await checkLiveValues(page);
      await checkFilters(page);
      await checkOrigin(page);
      for (const locale of ['zh', 'en']) {
        const where = `${name}-${colorScheme}-${locale}`;
        if (locale === 'en') await page.click('[data-action="language"]');
        const lang = await page.locator('html').getAttribute('lang');
        assert(lang.startsWith(locale), `${where}: the language is ${lang}`);
        await checkLevels(page, locale);
        await checkNoSideways(page, where);
        await checkAxe(page, where);
        await browser.shoot(page, `overview-${where}`);
      }
      assert(problems.length === 0, `${name}-${colorScheme}: ${problems.join('; ')}`);
      await close();
    }
  }
}
