import { beforeEach, describe, expect, it } from 'vitest';
import { Awake, type Clocks } from '../../src/media/awake';

class Machine implements Clocks {
  wallMs = 1_000_000;
  steadyMs = 0;
  isHidden = false;
  private tick: () => void = () => undefined;
  private turned: () => void = () => undefined;
  stopped = 0;

  wall = () => this.wallMs;
  steady = () => this.steadyMs;
  hidden = () => this.isHidden;
  every = (_ms: number, run: () => void) => {
    this.tick = run;
    return () => (this.stopped += 1);
  };
  onVisibility = (run: () => void) => {
    this.turned = run;
    return () => (this.stopped += 1);
  };

  /** So much time passes, then the timer runs. */
  pass(seconds: number, { steady = seconds }: { steady?: number } = {}): void {
    this.wallMs += seconds * 1000;
    this.steadyMs += steady * 1000;
    this.tick();
  }

  hide(hidden: boolean): void {
    this.isHidden = hidden;
    this.turned();
  }
}

describe('a page that watches over its machine', () => {
  let machine: Machine;
  let awake: Awake;

  beforeEach(() => {
    machine = new Machine();
    awake = new Awake(machine);
    awake.start();
  });

  it('says nothing while timers run about when they should', () => {
    for (const seconds of [5, 5, 9, 20, 5]) machine.pass(seconds);
    expect(awake.store.getState()).toMatchObject({ sleptS: null, times: 0 });
  });

  it.each([300, 0])('sees a sleep, whether the steady clock went on or not (%i s)', (steady) => {
    machine.pass(5);
    machine.pass(305, { steady: steady + 5 });
    expect(awake.store.getState()).toMatchObject({ sleptS: 300, times: 1 });
  });

  it('takes no clock that was set back for a sleep', () => {
    machine.pass(-3600, { steady: 5 });
    machine.pass(5);
    expect(awake.store.getState().times).toBe(0);
  });

  it('takes no slow timer of a hidden page for a sleep', () => {
    machine.hide(true);
    machine.pass(60);
    machine.pass(60);
    expect(awake.store.getState()).toMatchObject({ hidden: true, sleptS: null });
  });

  it('says how long the page was hidden when it is seen again, if it was long', () => {
    machine.hide(true);
    machine.pass(30);
    machine.hide(false);
    expect(awake.store.getState()).toMatchObject({ hidden: false, hiddenS: null, times: 0 });
    machine.hide(true);
    machine.pass(60);
    machine.pass(60);
    machine.hide(false);
    expect(awake.store.getState()).toMatchObject({ hidden: false, hiddenS: 120, sleptS: null, times: 1 });
  });

  it('leaves nothing running', () => {
    awake.stop();
    expect(machine.stopped).toBe(2);
  });
});
