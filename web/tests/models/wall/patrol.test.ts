import { describe, expect, it } from 'vitest';
import { LiveLines } from '../../../src/models/wall/lines';
import { Patrol, patrolBefore, patrolFrom, type PatrolView } from '../../../src/models/wall/patrol';
import { pick, seeded } from '../../random';

const ids = (n: number) => Array.from({ length: n }, (_, i) => `s_${i}`);

/** A clock that goes on by hand. */
function clock() {
  let waiting: { at: number; run: () => void } | null = null;
  let now = 0;
  return {
    after: (ms: number, run: () => void) => {
      const mine = { at: now + ms, run };
      waiting = mine;
      return () => {
        if (waiting === mine) waiting = null;
      };
    },
    advance(ms: number) {
      now += ms;
      while (waiting !== null && waiting.at <= now) {
        const { run } = waiting;
        waiting = null;
        run();
      }
    },
  };
}

describe('a patrol', () => {
  it('shows every site that may be shown within one round, whoever comes and goes elsewhere', () => {
    const random = seeded(3);
    for (let round = 0; round < 80; round++) {
      const sites = ids(1 + Math.floor(random() * 60));
      const count = 1 + Math.floor(random() * 25);
      const steady = new Set(sites.filter(() => random() < 0.7));
      const flickering = (site: string) => steady.has(site) || random() < 0.3;
      const seen = new Set<string>();
      let from = 0;
      for (let step = 0; step < Math.ceil(sites.length / count) + 1; step++) {
        const { show, next } = patrolFrom(sites, flickering, from, count);
        expect(show.length).toBeLessThanOrEqual(count);
        expect(new Set(show).size).toBe(show.length);
        for (const site of show) seen.add(site);
        from = next;
      }
      for (const site of steady) expect(seen.has(site)).toBe(true);
    }
  });

  it('goes back to what it showed before', () => {
    const sites = ids(20);
    const odd = (site: string) => Number(site.slice(2)) % 2 === 1;
    const first = patrolFrom(sites, odd, 0, 4);
    const second = patrolFrom(sites, odd, first.next, 4);
    const back = patrolBefore(sites, odd, first.next, 4);
    expect(patrolFrom(sites, odd, back, 4).show).toEqual(first.show);
    expect(second.show).toEqual(['s_9', 's_11', 's_13', 's_15']);
  });

  it('goes on by itself, stands while it is paused, and obeys', () => {
    const time = clock();
    const views: PatrolView[] = [];
    const patrol = new Patrol(
      { sites: ids(10), seconds: 20, count: 3 },
      () => true,
      (view) => views.push(view),
      time.after,
    );
    const now = () => [patrol.state.show.join(), patrol.state.at, patrol.state.of];
    expect(now()).toEqual(['s_0,s_1,s_2', 1, 4]);
    time.advance(20_000);
    expect(now()).toEqual(['s_3,s_4,s_5', 2, 4]);
    patrol.pause(true);
    time.advance(200_000);
    expect(now()).toEqual(['s_3,s_4,s_5', 2, 4]);
    patrol.forward();
    patrol.back();
    expect(now()).toEqual(['s_3,s_4,s_5', 2, 4]);
    patrol.pause(false);
    time.advance(20_000);
    expect(now()).toEqual(['s_6,s_7,s_8', 3, 4]);
    patrol.stop();
    time.advance(200_000);
    expect(now()).toEqual(['s_6,s_7,s_8', 3, 4]);
    expect(views.at(-1)).toEqual(patrol.state);
  });
});

describe('the live lines', () => {
  it('keep a site on its line while it is wanted, never show one twice, and let the important in', () => {
    const random = seeded(5);
    const lines = new LiveLines(25);
    const sites = ids(60);
    let before = lines.assign([]).lines;
    for (let round = 0; round < 300; round++) {
      const wanted = Array.from({ length: Math.floor(random() * 40) }, () => pick(random, sites));
      const { lines: now, refused } = lines.assign(wanted);
      const shown = now.filter((site) => site !== null);
      expect(now).toHaveLength(25);
      expect(new Set(shown).size).toBe(shown.length);
      const once = [...new Set(wanted)];
      expect(new Set(shown)).toEqual(new Set(once.slice(0, 25)));
      expect(refused).toEqual(once.slice(25));
      before.forEach((site, line) => {
        if (site !== null && once.slice(0, 25).includes(site)) expect(now[line]).toBe(site);
      });
      before = now;
    }
  });
});
