/** Chromium, and pages that write down everything that goes wrong in them. */

import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { chromium } from 'playwright-core';

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

const axeSource = readFileSync(
  createRequire(import.meta.url).resolve('axe-core/axe.min.js'),
  'utf8',
);

export function assert(holds, message) {
  if (!holds) throw new Error(message);
}

export class Browser {
  #browser;
  #settings;
  #home;

  static async launch(settings) {
    // A home of its own, so that nothing is read from or left in the caller's.
    const home = mkdtempSync(join(tmpdir(), 'tidewatch-e2e-'));
    const launched = new Browser();
    launched.#browser = await chromium.launch({
      executablePath: settings.chromium,
      args: FLAGS,
      env: { ...process.env, HOME: home },
    });
    launched.#settings = settings;
    launched.#home = home;
    if (settings.out) mkdirSync(settings.out, { recursive: true });
    return launched;
  }

  async close() {
    await this.#browser.close();
    rmSync(this.#home, { recursive: true, force: true });
  }

  /** Opens the page; `problems` grows with console errors, exceptions and CSP violations. */
  async open(view) {
    const { width, height, colorScheme = 'light', isTouch = false, isLossExpected = false } = view;
    const { path = '/', init } = view;
    const viewport = { width, height };
    const context = await this.#browser.newContext({ viewport, colorScheme, hasTouch: isTouch });
    const page = await context.newPage();
    const problems = [];
    await page.exposeFunction('reportViolation', (text) => problems.push(`CSP: ${text}`));
    await page.addInitScript(() => {
      document.addEventListener('securitypolicyviolation', (event) => {
        window.reportViolation(`${event.violatedDirective} ${event.blockedURI}`);
      });
    });
    page.on('pageerror', (error) => problems.push(`exception: ${error.message}`));
    page.on('console', (message) => {
      if (message.type() === 'error' && !isLossExpected)
        problems.push(`${message.text()} ${message.location().url}`);
    });
    const origin = new URL(this.#settings.baseUrl).origin;
    page.on('request', (request) => {
      if (new URL(request.url()).origin !== origin) problems.push(`asks ${request.url()}`);
    });
    if (init !== undefined) await page.addInitScript(init);
    await page.goto(new URL(path, this.#settings.baseUrl).href);
    return { page, problems, close: () => context.close() };
  }

  async shoot(page, name) {
    const { out } = this.#settings;
    if (out) await page.screenshot({ path: join(out, `${name}.png`), fullPage: true });
  }
}

/** Fails with the first violation that axe-core finds. */
export async function checkAxe(page, where) {
  await page.evaluate(axeSource);
  const { violations } = await page.evaluate(() => window.axe.run(document));
  const [first] = violations;
  assert(
    first === undefined,
    `${where}: axe ${first?.id}: ${first?.help}: ${first?.nodes[0]?.html.slice(0, 200)}`,
  );
}
