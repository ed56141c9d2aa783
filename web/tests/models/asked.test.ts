import { describe, expect, it } from 'vitest';
import { daysOf, narrows, NOTHING_ASKED, readAsked, writeAsked, type Asked } from '../../src/models/asked';

const through = (asked: Asked) => readAsked(writeAsked(new URLSearchParams('xem=history'), asked));

describe('what is asked of inspections', () => {
  it('comes back from the address as it was', () => {
    const own: Asked = {
      period: 'own',
      since: '2021-09-01',
      until: null,
      unit: '70',
      text: 'ô-xy & giường',
      standing: 'all',
    };
    for (const asked of [NOTHING_ASKED, own, { ...NOTHING_ASKED, period: 'week' as const }])
      expect(through(asked)).toEqual(asked);
    expect(writeAsked(new URLSearchParams('xem=history'), NOTHING_ASKED).toString()).toBe('xem=history');
  });

  it('is nothing where the address says nonsense', () => {
    const wrong = 'ky=tu-chon&tu=2021-02-31&den=0202-09-05&don-vi=12345678901234567&loc=alles';
    expect(readAsked(new URLSearchParams(wrong))).toEqual({ ...NOTHING_ASKED, period: 'own' });
    expect(readAsked(new URLSearchParams('ky=99')).period).toBe('all');
    expect(readAsked(new URLSearchParams(`tim=${'a'.repeat(900)}`)).text).toHaveLength(200);
  });

  it('means days that include both ends', () => {
    const of = (period: Asked['period']) => daysOf({ ...NOTHING_ASKED, period }, '2021-09-05');
    expect(of('all')).toEqual({ since: null, until: null });
    expect(of('today')).toEqual({ since: '2021-09-05', until: null });
    expect(of('week')).toEqual({ since: '2021-08-30', until: null });
    expect(of('month')).toEqual({ since: '2021-08-07', until: null });
  });

  it('takes a period that was entered the wrong way round as it is meant', () => {
    const asked = { ...NOTHING_ASKED, period: 'own' as const, since: '2021-09-05', until: '2021-09-01' };
    expect(daysOf(asked, '2021-10-01')).toEqual({ since: '2021-09-01', until: '2021-09-05' });
  });

  it('says whether it leaves anything out', () => {
    expect(narrows(NOTHING_ASKED)).toBe(false);
    expect(narrows({ ...NOTHING_ASKED, standing: 'all' })).toBe(false);
    expect(narrows({ ...NOTHING_ASKED, period: 'own' })).toBe(false);
    expect(narrows({ ...NOTHING_ASKED, period: 'today' })).toBe(true);
    expect(narrows({ ...NOTHING_ASKED, unit: '70' })).toBe(true);
  });
});
