/** Keeps the screen on while the site stands by; the browser lets go whenever the page is hidden. */
export class WakeLock {
  private wanted = false;
  private lock: WakeLockSentinel | null = null;

  constructor() {
    document.addEventListener('visibilitychange', () => void this.take());
  }

  hold(): void {
    this.wanted = true;
    void this.take();
  }

  release(): void {
    this.wanted = false;
    void this.lock?.release().catch(() => undefined);
    this.lock = null;
  }

  private async take(): Promise<void> {
    if (!this.wanted || document.visibilityState !== 'visible' || !('wakeLock' in navigator)) return;
    if (this.lock && !this.lock.released) return;
    // Refused on a low battery: the page works all the same.
    this.lock = await navigator.wakeLock.request('screen').catch(() => null);
  }
}
