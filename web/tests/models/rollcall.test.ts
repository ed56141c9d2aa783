import { describe, expect, it, vi } from 'vitest';
import { apart, edited, RollCallModel, summary, troubles } from '../../src/models/rollcall';
import type { RollCall, RollChange, RollFrame, RollRow, RollView } from '../../src/protocol/types';

const CALL: RollCall = {
  id: 'r_1',
  number: 1,
  corrects: null,
  status: 'open',
  opened_at: '2021-09-05T01:30:00.000Z',
  opened_by: 'Thư ký',
  sealed_at: null,
  sealed_by: null,
  digest: null,
  seq: null,
};

function row(site: string, more: Partial<RollRow> = {}): RollRow {
  return {
    site,
    unit: site.slice(2),
    level: 'commune',
    branch: '70',
    label: `Điểm cầu ${site}`,
    path: 'xã Tân Lợi, huyện Đồng Phú, tỉnh Bình Phước',
    version: 0,
    says: null,
    reason: null,
    text: '',
    head: null,
    note: '',
    by: '',
    at: null,
    connected: false,
    since: null,
    left_at: null,
    share: 0,
    seen_at: null,
    heard_at: null,
    tested_at: null,
    got: 0,
    answered: 0,
    contradictions: [],
    phones: [],
    people: [],
    editable: true,
    ...more,
  };
}

function view(n: number, rows: RollRow[]): RollView {
  return {
    call: CALL,
    n,
    watched_since: '2021-09-05T01:30:00.000Z',
    totals: [],
    confirmed: {},
    branches: 2,
    may: { open: true, seal: true, confirm: [] },
    rows,
  };
}

function frame(since: number, n: number, rows: RollChange[], more: Partial<RollCall> = {}): RollFrame {
  return { call: { ...CALL, ...more }, totals: [], confirmed: {}, branches: 2, since, n, rows };
}

describe('a roll call as a page follows it', () => {
  it('takes in frames that follow what it knows', () => {
    const model = new RollCallModel(() => undefined);
    model.frame(frame(5, 5, []));
    model.load(view(10, [row('s_1'), row('s_2')]));
    model.frame(frame(8, 12, [row('s_1', { version: 1, says: 'present' })]));
    expect(model.rows.get('s_1')?.says).toBe('present');
    expect(model.rows.get('s_1')?.label).toBe('Điểm cầu s_1');
  });

  it('asks for the whole when a frame does not follow, and loses none that came meanwhile', () => {
    const stale = vi.fn();
    const model = new RollCallModel(stale);
    model.frame(frame(5, 5, []));
    expect(stale).toHaveBeenCalledTimes(1);
    model.frame(frame(5, 11, [row('s_1', { version: 2, says: 'absent', reason: 'power' })]));
    model.load(view(7, [row('s_1', { version: 1, says: 'present' })]));
    expect(model.rows.get('s_1')?.says).toBe('absent');
    model.frame(frame(90, 91, []));
    expect(stale.mock.calls.length).toBeGreaterThan(2);
  });

  it('never goes back to an older version', () => {
    const model = new RollCallModel(() => undefined);
    model.frame(frame(1, 1, []));
    model.load(view(10, [row('s_1', { version: 3, says: 'present' })]));
    model.frame(frame(10, 11, [row('s_1', { version: 2, says: 'absent' })]));
    expect(model.rows.get('s_1')?.says).toBe('present');
  });

  it('reads all anew when it was sealed or another was opened', () => {
    const stale = vi.fn();
    const model = new RollCallModel(stale);
    model.frame(frame(1, 1, []));
    model.load(view(10, [row('s_1')]));
    stale.mockClear();
    model.frame(frame(10, 11, [], { status: 'sealed' }));
    expect(stale).toHaveBeenCalledTimes(1);
    model.frame(frame(11, 12, [], { id: 'r_2', number: 2 }));
    expect(stale).toHaveBeenCalledTimes(2);
  });

  it('keeps no rows where figures are enough', () => {
    const model = new RollCallModel();
    for (let n = 0; n < 1000; n++) model.frame(frame(n, n + 1, [row('s_1')]));
    expect(model.rows.size).toBe(0);
  });

  it('shows provinces with what does not fit first, and counts as the rows say', () => {
    const model = new RollCallModel(() => undefined);
    model.frame(frame(1, 1, []));
    model.load(
      view(10, [
        row('s_1', { says: 'present', connected: true }),
        row('s_2', {
          branch: '75',
          path: 'tỉnh Đồng Nai',
          unit: '75',
          says: 'present',
          contradictions: ['present_not_connected'],
        }),
        row('s_3', { says: 'absent', reason: 'power' }),
        row('s_4'),
      ]),
    );
    const [first, second] = model.byBranch();
    expect(first).toMatchObject({ name: 'Tỉnh Đồng Nai', contradictions: 1, of: 1 });
    expect(second).toMatchObject({ name: 'Tỉnh Bình Phước', present: 1, absent: 1, unsaid: 1, connected: 1 });
    expect(first && troubles(first)).toBe(1);
    expect(model.list(null, 'missing', '').map((r) => r.site)).toEqual(['s_3', 's_4']);
    expect(model.list('70', 'all', 'tan loi').length).toBe(3);
    expect(model.list(null, 'all', 'khong co')).toEqual([]);
  });
});

describe('edits', () => {
  it('are made on the version that was seen, and only who is absent keeps a reason', () => {
    const known = row('s_1', { version: 4, says: 'absent', reason: 'power', text: 'x', note: 'n' });
    expect(edited(known, { says: 'present' })).toEqual({
      site: 's_1',
      version: 4,
      says: 'present',
      reason: null,
      text: '',
      head: null,
      note: 'n',
    });
  });

  it('that others stand against are set apart, the rest goes again', () => {
    const edits = [edited(row('s_1'), { says: 'present' }), edited(row('s_2'), { says: 'present' })];
    const theirs = row('s_2', { version: 1, says: 'absent' });
    const { again, against } = apart(edits, [theirs]);
    expect(again.map((e) => e.site)).toEqual(['s_1']);
    expect(against).toEqual([{ mine: edits[1], theirs }]);
  });
});

it('says the totals as they are reported', () => {
  const totals = [
    { level: 'nation' as const, present: 1, absent: 0, of: 1 },
    { level: 'province' as const, present: 63, absent: 0, of: 63 },
    { level: 'commune' as const, present: 8991, absent: 0, of: 9043 },
  ];
  expect(summary(totals, (n) => new Intl.NumberFormat('vi-VN').format(n))).toBe('63/63 · 8.991/9.043');
});
