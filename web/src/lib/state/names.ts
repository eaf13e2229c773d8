/** Names of townships, things and properties in the language of the page; else their ids. */

import type { Alert, Datastream } from '../api/types';
import { thingOf, type Names } from '../domain/explanation';
import { isInstant, parseReason } from '../domain/reasons';
import { formatMinute, parseTime } from '../format/time';
import { catalogue } from './catalogue.svelte';
import { live } from './live.svelte';
import { preferences } from './preferences.svelte';
import { ageText, channelText } from './words';

export function townshipName(code: string): string {
  const township = catalogue.townshipsByCode.get(code);
  return township ? preferences.name(township.name) : code;
}

export function thingName(id: string): string {
  const thing = catalogue.thingsById.get(id);
  return thing ? preferences.name(thing.name) : id;
}

export function propertyName(id: string): string {
  const property = catalogue.properties.get(id);
  return property ? preferences.name(property.name) : (preferences.t.nodes[id] ?? id);
}

/** Of a part of a score: the page's own word, else the property's. */
export function nodeName(id: string): string | null {
  const property = catalogue.properties.get(id);
  return preferences.t.nodes[id] ?? (property ? preferences.name(property.name) : null);
}

export const nodeNames: Names = {
  node: nodeName,
  thing: (id) => (catalogue.thingsById.has(id) ? thingName(id) : null),
};

/** What is missing: parts of a score, or for the county whole townships. */
export function missingName(id: string): string {
  if (catalogue.townshipsByCode.has(id)) return townshipName(id);
  return id.includes('/') ? thingName(thingOf(id)) : (nodeName(id) ?? id);
}

/** The property of an alert, with what tells it apart from others of its thing. */
export function alertTitle(alert: Alert): string {
  return withChannel(alert.property, alert.datastream.split(':')[1] ?? '');
}

export function datastreamName(datastream: Pick<Datastream, 'property' | 'channel'>): string {
  return withChannel(datastream.property, datastream.channel ?? '');
}

function withChannel(property: string, id: string): string {
  const channel = channelText(id);
  const name = propertyName(property);
  // A name that lists its channels is replaced by the one that is meant.
  if (channel !== '' && name.includes(channel)) return channel;
  return channel === '' ? name : `${name} · ${channel}`;
}

/** Property and thing, which is what an alert is about. */
export function alertName(alert: Alert): string {
  return `${alertTitle(alert)} · ${thingName(alert.thing)}`;
}

export function instantText(text: string | null): string {
  const time = parseTime(text);
  return time === null ? '' : formatMinute(time, live.now ?? time, preferences.locale);
}

/** How long ago an instant of the scene was; nothing while the scene time is not known. */
export function agoText(text: string | null): string {
  const time = parseTime(text);
  return time === null || live.now === null ? '' : ageText(live.now - time);
}

/** A reason in words; one without a word here is shown as the server wrote it. */
export function reasonText(text: string): string {
  const { why, whyWith, nodes } = preferences.t;
  const { word, args } = parseReason(text);
  const shown = args.map((arg) => (isInstant(arg) ? instantText(arg) : arg));
  const phrases = whyWith as Record<string, (...figures: string[]) => string>;
  const phrase = phrases[word];
  if (phrase !== undefined && shown.length >= phrase.length) return phrase(...shown);
  return shown.length === 0 ? (why[word] ?? nodes[word] ?? text) : text;
}
