import { describe, expect, it } from 'vitest';
import { Roster } from '../../../src/models/roster';
import { driftOf, orderOf } from '../../../src/models/wall/order';
import { headAbove, rowOf, rowsOf, stepFrom, type Step } from '../../../src/models/wall/rows';
import type { RosterAnswer } from '../../../src/protocol/types';
import { pick, seeded } from '../../random';

/** A nation: provinces of communes, one site at each, one at the centre, and provinces' own. */
function nation(provinces: number, communes: (p: number) => number): RosterAnswer {
  const answer: RosterAnswer = {
    sites: [['s_vn', 'VN', 'Trung ương', 'room']],
    units: [['VN', null, 'Việt Nam', 'quốc gia', 'nation']],
    joined: [],
  };
  for (let p = 0; p < provinces; p++) {
    answer.units.push([`p${p}`, 'VN', `Tỉnh ${String(p).padStart(2, '0')}`, 'tỉnh', 'province']);
    answer.sites.push([`s_p${p}`, `p${p}`, `Tỉnh ${p}`, 'room']);
    for (let c = 0; c < communes(p); c++) {
      answer.units.push([`c${p}_${c}`, `p${p}`, `Xã ${String(c).padStart(3, '0')}`, 'xã', 'commune']);
      answer.sites.push([`s_${p}_${c}`, `c${p}_${c}`, 'Điểm cầu', 'post']);
    }
  }
  return answer;
}

const loaded = (answer: RosterAnswer): Roster => {
  const roster = new Roster();
  roster.load(answer);
  return roster;
};

describe('the order of the wall', () => {
  it('goes by the tree, under a heading for each province', () => {
    const roster = loaded(nation(3, (p) => p + 1));
    const { groups, sites } = orderOf(roster, null, () => true);
    expect(groups.map((g) => [g.title, g.sites.length])).toEqual([
      ['Việt Nam', 1],
      ['tỉnh Tỉnh 00', 2],
      ['tỉnh Tỉnh 01', 3],
      ['tỉnh Tỉnh 02', 4],
    ]);
    expect([...sites].sort()).toEqual(roster.allSites().sort());
    expect(orderOf(roster, 'p2', () => true).groups).toHaveLength(1);
  });

  it('stands while sites come, go and speak; only an arrangement moves tiles', () => {
    const random = seeded(7);
    const roster = loaded(nation(8, () => 30));
    const shown = orderOf(roster, null, () => true);
    const ids = [...shown.sites];
    for (let i = 0; i < 200; i++) {
      const site = pick(random, ids);
      roster.presence(random() < 0.5 ? [site] : [], random() < 0.5 ? [pick(random, ids)] : [], false);
      // Names, states and presence change; the tree does not, and with it no place.
      expect(orderOf(roster, null, () => true).sites).toEqual(ids);
    }
  });

  it('says how many tiles an arrangement would bring and take, and moves none by itself', () => {
    const roster = loaded(nation(2, () => 5));
    const present = () => orderOf(roster, null, (site) => site.joined);
    roster.presence(['s_0_1', 's_1_2'], [], true);
    const shown = present();
    roster.presence(['s_0_0', 's_0_3'], ['s_1_2'], false);
    expect(driftOf(shown, present())).toEqual({ added: 2, gone: 1 });
    expect(shown.sites).toEqual(['s_0_1', 's_1_2']);
    expect(driftOf(present(), present())).toEqual({ added: 0, gone: 0 });
  });
});

describe('the rows of the wall', () => {
  const random = seeded(11);

  it('hold every tile once, in order, whatever the width', () => {
    for (let round = 0; round < 60; round++) {
      const order = orderOf(
        loaded(nation(1 + Math.floor(random() * 9), () => Math.floor(random() * 40))),
        null,
        () => true,
      );
      const wall = rowsOf(order, 1 + Math.floor(random() * 20));
      const places = wall.rows.flatMap((row) =>
        row.kind === 'tiles' ? Array.from({ length: row.to - row.from }, (_, i) => row.from + i) : [],
      );
      expect(places).toEqual(order.sites.map((_, i) => i));
      for (const place of places) {
        const row = wall.rows[rowOf(wall, place)];
        expect(row?.kind === 'tiles' && row.from <= place && place < row.to).toBe(true);
        const head = headAbove(wall, rowOf(wall, place));
        expect(head === null ? null : wall.rows[head]?.group).toBe(row?.group);
      }
    }
  });

  it('lead by keys to tiles that exist, and back again', () => {
    const order = orderOf(loaded(nation(6, (p) => 3 + p * 7)), null, () => true);
    const wall = rowsOf(order, 5);
    const count = order.sites.length;
    const steps: Step[] = ['left', 'right', 'up', 'down', 'pageUp', 'pageDown', 'nextGroup', 'previousGroup'];
    let at = 0;
    for (let i = 0; i < 500; i++) {
      at = stepFrom(wall, count, at, pick(random, steps), 4);
      expect(at).toBeGreaterThanOrEqual(0);
      expect(at).toBeLessThan(count);
    }
    expect(stepFrom(wall, count, stepFrom(wall, count, 30, 'right', 4), 'left', 4)).toBe(30);
    expect(stepFrom(wall, count, 0, 'last', 4)).toBe(count - 1);
    // From the last row of a group into the first of the next, past its heading, in the same column.
    const down = stepFrom(wall, count, 1, 'down', 4);
    expect(wall.rows[rowOf(wall, down)]?.group).toBe((wall.rows[rowOf(wall, 1)]?.group ?? 0) + 1);
  });
});
