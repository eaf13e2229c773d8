/** The views that are loaded when somebody opens them. The overview comes with the page. */

import type { Component } from 'svelte';

import type { View } from '../domain/route';

export type PageProps = { onLogin: () => void };
type Loaded = { default: Component<PageProps> };

export const PAGES: Partial<Record<View, () => Promise<Loaded>>> = {
  thing: () => import('./ThingPage.svelte'),
  things: () => import('./ThingsPage.svelte'),
  alerts: () => import('./AlertsPage.svelte'),
  history: () => import('./HistoryPage.svelte'),
  situation: () => import('./SituationPage.svelte'),
  wall: () => import('./WallPage.svelte'),
  admin: () => import('./AdminPage.svelte'),
};
