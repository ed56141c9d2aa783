import { expect, test } from 'vitest';
import {
  byDay,
  daysUntil,
  invitation,
  linesOf,
  missing,
  reasonOf,
  todayOf,
  type Wave,
} from '../../src/models/waves';

const wave = (id: string, day: string, ready: number, never: number): Wave => ({
  id,
  name: id,
  day,
  start: '07:30',
  end: '11:30',
  unit: 'VN',
  path: 'Việt Nam',
  revision: 0,
  counts: { total: ready + never, states: { ready, never }, causes: {} },
  invited: {},
  may: true,
});

test('waves of a day stand together, with their sum', () => {
  const days = byDay([
    wave('a', '2021-09-05', 1, 2),
    wave('b', '2021-09-05', 3, 0),
    wave('c', '2021-09-06', 0, 4),
  ]);
  expect(days.map((d) => [d.day, d.waves.length, d.ready, d.total])).toEqual([
    ['2021-09-05', 2, 4, 6],
    ['2021-09-06', 1, 0, 4],
  ]);
  expect(missing(wave('a', '2021-09-05', 1, 2))).toBe(2);
});

test('today is the day in Hà Nội, not in Greenwich', () => {
  const late = Date.parse('2021-09-04T17:00:00Z');
  expect(todayOf(late)).toBe('2021-09-05');
  expect(todayOf(late - 1)).toBe('2021-09-04');
  expect(daysUntil('2021-09-05', late)).toBe(0);
  expect(daysUntil('2021-09-06', late)).toBe(1);
  expect(daysUntil('2021-09-04', late)).toBe(-1);
});

test('a letter under way still waits', () => {
  expect(invitation({ queued: 2, sending: 1, sent: 5 })).toMatchObject({ queued: 3, sent: 5, failed: 0 });
});

test('every reason has words', () => {
  expect(reasonOf('smtp_550')).toBe('unknown_user');
  expect(reasonOf('smtp_552')).toBe('full');
  expect(reasonOf('smtp_450')).toBe('later');
  expect(reasonOf('smtp_571')).toBe('other');
  expect(reasonOf('no_address')).toBe('no_address');
  expect(reasonOf(null)).toBe('other');
});

test('lines of a text area are what was written, without empty ones', () => {
  expect(linesOf(' a@x.vn \n\n b@x.vn\n')).toEqual(['a@x.vn', 'b@x.vn']);
});
