/**
 * Reasons of an explanation as the server writes them: a word, and sometimes
 * the figures it is about (`unmoved 120 of 433`, `since 2012-08-07T…`).
 */

export type Reason = { word: string; args: string[] };

const INSTANT = /^\d{4}-\d\d-\d\dT/;

export function parseReason(text: string): Reason {
  const [word = '', ...rest] = text.split(' ');
  return { word, args: rest.filter((part) => part !== 'of') };
}

/** Is this part of a reason an instant? */
export function isInstant(text: string): boolean {
  return INSTANT.test(text) && !Number.isNaN(Date.parse(text));
}
