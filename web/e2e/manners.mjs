/** What holds on every part of the page. */

import { assert } from './browser.mjs';

/** A finger needs this much, in pixels of the page. */
const TARGET_MIN = 44;

export async function checkOrigin(page) {
  const badge = page.locator('[data-origin]');
  if ((await badge.count()) === 0) return;
  const text = await badge.innerText();
  assert(/模拟|回放/.test(text), `the origin reads "${text}"`);
  assert((await page.title()).includes(text), 'the origin is not in the title');
  await page.emulateMedia({ media: 'print' });
  assert(await badge.isVisible(), 'the origin is not printed');
  await page.emulateMedia({ media: null });
}

export async function checkNoSideways(page, where) {
  const excess = await page.evaluate(
    () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
  );
  assert(excess <= 0, `${where}: the page is ${excess} px too wide`);
  const wide = await page
    .locator('.panel')
    .evaluateAll((panels) =>
      panels
        .filter((panel) => panel.scrollWidth > panel.clientWidth + 1)
        .map(
          (panel) =>
            `"${panel.innerText.slice(0, 20)}" by ${panel.scrollWidth - panel.clientWidth} px`,
        ),
    );
  assert(wide.length === 0, `${where}: too wide for its panel: ${wide.join(' ')}`);
}

/**
 * On a touch screen everything to press is large enough. A township's row is
 * the target of its link; the drawing has the list beside it; a link within a
 * sentence is as tall as its line.
 */
export async function checkTargets(page, where) {
  const small = await page.evaluate((least) => {
    if (!matchMedia('(pointer: coarse)').matches) return [];
    const all = [...document.querySelectorAll('button, select, input, summary, nav a, tr a')];
    return all
      .map((element) => element.closest('label:has(input), tr[data-township]') ?? element)
      .filter((element) => element.checkVisibility({ visibilityProperty: true }))
      .map((element) => [element, element.getBoundingClientRect()])
      .filter(([, box]) => box.height > 1 && box.height < least - 0.01)
      .map(([element, box]) => `${element.outerHTML.slice(0, 120)} (${Math.round(box.height)} px)`);
  }, TARGET_MIN);
  assert(small.length === 0, `${where}: too small to touch: ${small.slice(0, 4).join(' ')}`);
}
