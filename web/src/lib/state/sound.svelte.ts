/**
 * A tone for new alerts about lives, on unless somebody switched it off.
 *
 * Browsers let a page sound only after somebody has touched it once; until then
 * the page says that it is still silent.
 */

const KEY = 'tidewatch.sound';
/** Two tones, three times: heard in a room where people talk, over in three seconds. */
const TONES_HZ = [880, 660];
const REPEATS = 3;
const TONE_S = 0.35;
const VOLUME = 0.4;

function stored(): string | null {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}

class Sound {
  isOn: boolean = $state(true);
  /** The browser has not yet allowed it. */
  isBlocked: boolean = $state(true);
  #context: AudioContext | null = null;

  /** The first touch or key of anybody unlocks it; ends with the function it gives back. */
  watch(): () => void {
    this.isOn = stored() !== 'off';
    const unlock = () => void this.#unlock();
    addEventListener('pointerdown', unlock);
    addEventListener('keydown', unlock);
    return () => {
      removeEventListener('pointerdown', unlock);
      removeEventListener('keydown', unlock);
    };
  }

  toggle(): void {
    this.isOn = !this.isOn;
    try {
      localStorage.setItem(KEY, this.isOn ? 'on' : 'off');
    } catch {
      // The choice then holds until the page is closed.
    }
    if (this.isOn) this.play();
  }

  play(): void {
    const context = this.#context;
    if (!this.isOn || context === null || context.state !== 'running') return;
    for (let n = 0; n < REPEATS * TONES_HZ.length; n += 1) {
      const hertz = TONES_HZ[n % TONES_HZ.length] ?? 0;
      tone(context, hertz, context.currentTime + n * TONE_S);
    }
  }

  async #unlock(): Promise<void> {
    if (!this.isBlocked) return;
    this.#context ??= new AudioContext();
    try {
      await this.#context.resume();
    } catch {
      // A machine without any sound device: it stays blocked, and the page says so.
    }
    this.isBlocked = this.#context.state !== 'running';
  }
}

function tone(context: AudioContext, hertz: number, at: number): void {
  const oscillator = context.createOscillator();
  const gain = context.createGain();
  oscillator.frequency.value = hertz;
  // Rises and falls within a few hundredths of a second, so that it does not click.
  gain.gain.setValueAtTime(0, at);
  gain.gain.linearRampToValueAtTime(VOLUME, at + 0.02);
  gain.gain.setValueAtTime(VOLUME, at + TONE_S - 0.06);
  gain.gain.linearRampToValueAtTime(0, at + TONE_S - 0.02);
  oscillator.connect(gain).connect(context.destination);
  oscillator.start(at);
  oscillator.stop(at + TONE_S);
}

export const sound = new Sound();
