import { describe, expect, it } from 'vitest';
import { fold } from '../../src/models/fold';
import { pathOf, Roster, siteTitle } from '../../src/models/roster';
import type { RosterAnswer } from '../../src/protocol/types';
import { pick, seeded } from '../random';

const small: RosterAnswer = {
  units: [
    ['VN', null, 'Việt Nam', 'nước', 'nation'],
    ['70', 'VN', 'Bình Phước', 'tỉnh', 'province'],
    ['74', 'VN', 'Bình Dương', 'tỉnh', 'province'],
    ['695', '70', 'Đồng Phú', 'huyện', 'district'],
    ['25432', '695', 'Tân Lợi', 'xã', 'commune'],
    ['25433', '695', 'Tân Hòa', 'xã', 'commune'],
    ['690', '70', 'Hớn Quản', 'huyện', 'district'],
    ['25400', '690', 'Tân Lợi', 'xã', 'commune'],
  ],
  sites: [
    ['s_vn', 'VN', 'Điểm cầu Trung ương', 'room'],
    ['s_70', '70', 'Điểm cầu tỉnh Bình Phước', 'room'],
    ['s_74', '74', 'Điểm cầu tỉnh Bình Dương', 'room'],
    ['s_1', '25432', 'Điểm cầu xã Tân Lợi', 'post'],
    ['s_2', '25433', 'Điểm cầu xã Tân Hòa', 'post'],
    ['s_3', '25400', 'Điểm cầu xã Tân Lợi', 'post'],
  ],
  joined: ['s_vn', 's_1'],
};

function loaded(answer = small): Roster {
  const roster = new Roster();
  roster.load(answer);
  return roster;
}

describe('the roster', () => {
  it('counts every subtree and follows who comes and goes', () => {
    const roster = loaded();
    const counts = (code: string) => {
      const unit = roster.units.get(code);
      return [unit?.joined, unit?.invited];
    };
    expect(counts('VN')).toEqual([2, 6]);
    expect(counts('70')).toEqual([1, 4]);
    roster.presence(['s_2', 's_3'], ['s_1'], false);
    expect(counts('70')).toEqual([2, 4]);
    expect(counts('695')).toEqual([1, 2]);
    roster.presence(['s_2'], [], false);
    expect(counts('695')).toEqual([1, 2]);
    roster.presence(['s_74'], [], true);
    expect(counts('VN')).toEqual([1, 6]);
  });

  it('lists a feed and counts it nowhere: nobody is missed there', () => {
    const roster = loaded({
      ...small,
      sites: [...small.sites, ['s_feed', '25432', 'Xe truyền hình', 'feed']],
      joined: [...small.joined, 's_feed'],
    });
    expect([roster.joined, roster.invited]).toEqual([2, 6]);
    expect([roster.units.get('70')?.joined, roster.units.get('70')?.invited]).toEqual([1, 4]);
    expect(roster.byLevel()).toEqual(loaded().byLevel());
    expect(roster.counted(null).present.map((site) => site.id)).not.toContain('s_feed');
    roster.reveal('s_feed');
    const shown = roster.rows().flatMap((row) => (row.node.kind === 'site' ? [row.node] : []));
    expect(shown.filter((site) => site.unit?.code === '25432').map(siteTitle)).toEqual([
      'xã Tân Lợi',
      'Xe truyền hình',
    ]);
  });

  it('names the sites behind every figure', () => {
    const roster = loaded();
    for (const { level, invited, joined } of roster.byLevel()) {
      const { absent, present } = roster.counted(level);
      expect([present.length, absent.length + present.length]).toEqual([joined, invited]);
    }
    expect(roster.counted(null).absent.map((site) => site.id)).toEqual(['s_74', 's_70', 's_2', 's_3']);
    expect(roster.counted('commune').present.map((site) => site.id)).toEqual(['s_1']);
  });

  it('keeps presence that came before the list did', () => {
    const roster = new Roster();
    roster.presence(['s_1', 's_2'], [], true);
    roster.presence([], ['s_1'], false);
    roster.load(small);
    expect(roster.joined).toBe(1);
    expect(roster.sites.get('s_2')?.joined).toBe(true);
  });

  it('shows a unit that is one site only as that site', () => {
    const roster = loaded();
    roster.expand('70', true);
    roster.expand('695', true);
    expect(roster.rows().map((r) => `${r.depth} ${r.key}`)).toEqual([
      '0 VN',
      '1 s_vn',
      '1 s_74',
      '1 70',
      '2 s_70',
      '2 695',
      '3 s_2',
      '3 s_1',
      '2 690',
    ]);
  });

  it('finds by name without diacritics, by what is above, by code', () => {
    const roster = loaded();
    expect(roster.search('tan loi dong phu')).toMatchObject({ total: 1, certain: { id: 's_1' } });
    expect(roster.search('25400').certain?.id).toBe('s_3');
    expect(roster.search('BÌNH  DƯƠNG').certain?.id).toBe('s_74');
    expect(roster.search('khong co').total).toBe(0);
  });

  it('is not certain of a name that two sites share', () => {
    const found = loaded().search('tan loi');
    expect(found.sites.map((s) => s.id).sort()).toEqual(['s_1', 's_3']);
    expect(found.certain).toBeNull();
  });

  it('names a site by its unit, with what is above it', () => {
    const site = loaded().sites.get('s_1');
    expect(site && [siteTitle(site), pathOf(site)]).toEqual([
      'xã Tân Lợi',
      'huyện Đồng Phú, tỉnh Bình Phước',
    ]);
  });

  it('opens the units above a site', () => {
    const roster = loaded();
    roster.reveal('s_1');
    expect(roster.rows().some((r) => r.key === 's_1')).toBe(true);
  });

  it('folds as people type', () => {
    expect(fold('  Điểm cầu  Phường Phước-Bình ')).toBe('diem cau phuong phuoc binh');
  });
});

/** 63 provinces, 11 districts each, 14 communes each: about ten thousand sites. */
function country(random: () => number): RosterAnswer {
  const answer: RosterAnswer = { units: [['VN', null, 'Việt Nam', 'nước', 'nation']], sites: [], joined: [] };
  const words = ['Tân', 'Bình', 'Phước', 'Lợi', 'Hòa', 'Thạnh', 'Đông', 'Mỹ', 'An', 'Phú'];
  for (let p = 0; p < 63; p++) {
    const province = `p${p}`;
    answer.units.push([province, 'VN', `${pick(random, words)} ${pick(random, words)}`, 'tỉnh', 'province']);
    for (let d = 0; d < 11; d++) {
      const district = `${province}d${d}`;
      answer.units.push([
        district,
        province,
        `${pick(random, words)} ${pick(random, words)}`,
        'huyện',
        'district',
      ]);
      for (let c = 0; c < 14; c++) {
        const code = `${district}c${c}`;
        answer.units.push([code, district, `${pick(random, words)} ${pick(random, words)}`, 'xã', 'commune']);
        answer.sites.push([`s_${code}`, code, `Điểm cầu ${code}`, 'post']);
      }
    }
  }
  return answer;
}

describe('the roster of a country', () => {
  it('keeps its counts equal to counting again, whoever comes and goes', () => {
    const random = seeded(7);
    const answer = country(random);
    const roster = loaded(answer);
    const ids = answer.sites.map(([id]) => id);
    expect(ids.length).toBeGreaterThan(9_000);
    for (let i = 0; i < 3_000; i++) {
      const id = pick(random, ids);
      if (random() < 0.6) roster.presence([id], [], false);
      else roster.presence([], [id], false);
    }
    for (const unit of roster.units.values()) {
      const under = roster.sitesUnder(unit.code);
      expect(unit.invited).toBe(under.length);
      expect(unit.joined).toBe(under.filter((id) => roster.sites.get(id)?.joined).length);
    }
  });

  it('answers every search with sites that match, and is certain of one only where no other is as good', () => {
    const random = seeded(8);
    const answer = country(random);
    const roster = loaded(answer);
    for (let i = 0; i < 50; i++) {
      const [code, , name] = pick(random, answer.units.slice(1));
      const found = roster.search(name);
      for (const site of found.sites) {
        const whole = fold(`${siteTitle(site)} ${pathOf(site)}`);
        for (const word of fold(name).split(' ')) expect(whole).toContain(word);
      }
      if (found.certain) {
        const same = [...roster.sites.values()].filter((s) => s.unit?.foldedName === fold(name));
        expect(same.length).toBeLessThanOrEqual(1);
      }
      if (code.includes('c')) expect(roster.search(code).certain?.unit?.code).toBe(code);
    }
  });
});
