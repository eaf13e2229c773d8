/** What has to hold on the overview of a running server. */

import { assert, checkAxe } from './browser.mjs';
import { checkAlerts, checkExplanation, checkFilters, checkLiveValues } from './parts.mjs';
import { checkNoSideways, checkOrigin, checkTargets } from './manners.mjs';
import { checkViews } from './views.mjs';

const LEVELS = {
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
/** Not on the scale: a value with too little behind it. */
const GREY = { zh: '数据不足', en: 'Too little data' };
const VIEWS = [
  { name: 'desk', width: 1440, height: 900 },
  { name: 'phone', width: 390, height: 844, isTouch: true },
];
const WITHIN_MS = 90_000;

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
  const words = { ...LEVELS[locale], grey: GREY[locale] };
  const chips = await page
    .locator('[data-level]')
    .evaluateAll((all) => all.map((chip) => [chip.dataset.level, chip.textContent.trim()]));
  assert(chips.length > 0, 'no level is shown');
  for (const [level, text] of chips) {
    assert(text === words[level], `level ${level} reads "${text}"`);
  }
  await page.waitForSelector('[data-map] canvas[data-paint-ms]', { state: 'attached' });
  const legend = await page.locator('[data-legend]').innerText();
  for (const word of Object.values(LEVELS[locale])) {
    assert(legend.includes(word), `the legend lacks "${word}"`);
  }
  for (const bound of ['40', '60', '75', '90']) {
    assert(legend.includes(bound), `the legend lacks the bound ${bound}`);
  }
}

/** What holds on each part of the page, in each language and colour. */
async function checkManners(browser, page, where) {
  await checkNoSideways(page, where);
  await checkTargets(page, where);
  await checkAxe(page, where);
  await browser.shoot(page, where);
}

async function checkView(browser, settings, view, colorScheme) {
  const { page, problems, close } = await browser.open({ ...view, colorScheme });
  const isFirst = colorScheme === 'light';
  await enter(page, settings);
  await checkTownships(page, settings.nTownships);
  await checkOrigin(page);
  for (const locale of ['zh', 'en']) {
    const where = (part) => `${part}-${view.name}-${colorScheme}-${locale}`;
    if (locale === 'en') await page.click('[data-action="language"]');
    const lang = await page.locator('html').getAttribute('lang');
    assert(lang.startsWith(locale), `${where('overview')}: the language is ${lang}`);
    await checkLevels(page, locale);
    await checkManners(browser, page, where('overview'));

    await checkExplanation(page);
    await checkManners(browser, page, where('township'));
    await page.click('[data-action="back"]');
    await page.click('[data-tab="alerts"]');
    await checkAlerts(page, Boolean(settings.password) && isFirst && locale === 'zh');
    await checkManners(browser, page, where('alerts'));

    await page.click('[data-tab="things"]');
    if (isFirst && locale === 'zh') {
      await checkLiveValues(page, WITHIN_MS);
      await checkFilters(page);
    }
    await checkManners(browser, page, where('things'));
    await checkViews(page, (place) => checkManners(browser, page, where(place)));
    await page.click('[data-tab="overview"]');
    await page.waitForSelector('[data-township]');
  }
  assert(problems.length === 0, `${view.name}-${colorScheme}: ${problems.join('; ')}`);
  await close();
}

export async function checkOverview(browser, settings) {
  for (const view of VIEWS.filter(({ name }) => !settings.view || settings.view === name)) {
    for (const colorScheme of ['light', 'dark']) {
      await checkView(browser, settings, view, colorScheme);
    }
  }
}
