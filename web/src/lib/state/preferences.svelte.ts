/** Language and colours: what a person chose last is kept in the browser. */

import { en } from '../i18n/en';
import { zh, type Dictionary } from '../i18n/zh';
import type { LocalizedName } from '../api/types';
import type { Locale } from '../format/number';

const DICTIONARIES: Record<Locale, Dictionary> = { zh, en };
const LOCALE_KEY = 'tidewatch.locale';
const THEME_KEY = 'tidewatch.theme';

export type Theme = 'light' | 'dark';

/** Storage may be switched off or full; the page works without it. */
function stored(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

function store(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch {
    // The choice then holds until the page is closed.
  }
}

class Preferences {
  locale: Locale = $state('zh');
  theme: Theme = $state('light');
  readonly t: Dictionary = $derived(DICTIONARIES[this.locale]);

  load(): void {
    this.locale = stored(LOCALE_KEY) === 'en' ? 'en' : 'zh';
    const theme = stored(THEME_KEY);
    const system = matchMedia('(prefers-color-scheme: dark)');
    if (theme === 'light' || theme === 'dark') {
      this.#apply(theme, true);
    } else {
      this.#apply(system.matches ? 'dark' : 'light', false);
      system.addEventListener('change', (event) => {
        if (stored(THEME_KEY) === null) this.#apply(event.matches ? 'dark' : 'light', false);
      });
    }
    document.documentElement.lang = this.t.language.code;
  }

  switchLocale(): void {
    this.locale = this.locale === 'zh' ? 'en' : 'zh';
    store(LOCALE_KEY, this.locale);
    document.documentElement.lang = this.t.language.code;
  }

  switchTheme(): void {
    const theme = this.theme === 'dark' ? 'light' : 'dark';
    store(THEME_KEY, theme);
    this.#apply(theme, true);
  }

  /** A name in the language of the page. */
  name(name: LocalizedName): string {
    return name[this.locale] || name.zh || name.en;
  }

  /** Without a choice the style sheet follows the system by itself. */
  #apply(theme: Theme, isChosen: boolean): void {
    this.theme = theme;
    if (isChosen) document.documentElement.dataset['theme'] = theme;
  }
}

export const preferences = new Preferences();
