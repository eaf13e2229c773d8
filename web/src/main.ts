import { mount } from 'svelte';

import App from './App.svelte';
import './styles/tokens.css';
import './styles/base.css';
import { preferences } from './lib/state/preferences.svelte';

const target = document.getElementById('app');
if (target === null) throw new Error('the page has no element to draw in');
preferences.load();
mount(App, { target });
