import { describe, expect, it } from 'vitest';
import { Changes } from '../../src/media/rehearsal/changes';
import { crc8, PICTURES, readNumber, STRIP_HEIGHT, STRIP_WIDTH } from '../../src/media/rehearsal/code';
import { loudestNote, NOTES } from '../../src/media/rehearsal/notes';
import { rehearsalSaid, watches } from '../../src/models/rehearsal';
import { meetingToJoin } from '../../src/models/site';
import type { Meeting, You, YouRehearsal } from '../../src/protocol/types';

const CORNERS: Record<number, number> = { 0: 1, 19: 0, 20: 0, 39: 1 };

/** The strip as `clips/timecode.py` draws it. */
function strip(ms: number, number: number, spoil = -1): Uint8ClampedArray {
  const head = ms * 4096 + number;
  const written = head.toString(2).padStart(28, '0') + crc8(head).toString(2).padStart(8, '0');
  const bits = Array.from(written, Number);
  const data = new Uint8ClampedArray(STRIP_WIDTH * STRIP_HEIGHT * 4);
  let next = 0;
  for (let cell = 0; cell < 40; cell++) {
    const bit = CORNERS[cell] ?? bits[next++] ?? 0;
    const shown = cell === spoil ? 1 - bit : bit;
    for (let y = 0; y < 8; y++)
      for (let x = 0; x < 8; x++) {
        const at = ((Math.floor(cell / 20) * 8 + y) * STRIP_WIDTH + (cell % 20) * 8 + x) * 4;
        data.fill(shown === 1 ? 225 : 30, at, at + 4);
      }
  }
  return data;
}

describe('the number in the picture', () => {
  it('is read from its pixels, whatever the moment', () => {
    for (let number = 0; number < PICTURES; number++)
      for (const ms of [0, 400, 1999]) expect(readNumber(strip(ms, number))).toBe(number);
  });
  it('is not guessed from a spoilt, dark or foreign picture', () => {
    for (let cell = 1; cell < 19; cell++) expect(readNumber(strip(400, 3, cell))).toBeNull();
    expect(readNumber(new Uint8ClampedArray(STRIP_WIDTH * STRIP_HEIGHT * 4))).toBeNull();
    expect(readNumber(strip(400, 99))).toBeNull();
  });
});

describe('the note', () => {
  it('counts when it stands out of the others', () => {
    const levels = NOTES.map(() => -90);
    expect(loudestNote(levels)).toBeNull();
    levels[5] = -40;
    expect(loudestNote(levels)).toEqual({ note: 5, db: 50 });
    levels[2] = -45;
    expect(loudestNote(levels)).toBeNull();
  });
});

describe('a change', () => {
  it('is told when it is certain, once, with what was before', () => {
    const changes = new Changes(2, 3_000);
    expect([1, 1, 1].map((n, i) => changes.take(n, i))).toEqual([null, null, null]);
    expect([4, 4, 4].map((n, i) => changes.take(n, 10 + i))).toEqual([null, [1, 4], null]);
    expect([2, 4, 2, 4].map((n, i) => changes.take(n, 20 + i))).toEqual([null, null, null, null]);
  });
  it('forgets what was before a picture that stood still', () => {
    const changes = new Changes(1, 3_000);
    changes.take(1, 0);
    expect(changes.take(null, 2_000)).toBeNull();
    expect(changes.take(5, 2_500)).toEqual([1, 5]);
    expect(changes.take(2, 6_000)).toBeNull();
  });
});

const told = (over: Partial<YouRehearsal>): YouRehearsal => ({
  id: 'r_1',
  title: 'Chạy thử',
  step: 'see',
  done: ['connect'],
  fault: null,
  turn: null,
  ...over,
});

describe('what the page says', () => {
  const fault = { code: 'voice_silent', vi: 'x', en: 'x' };
  it.each([
    [told({}), 'see'],
    [told({ step: 'speak', turn: { now: false, seconds: 40 } }), 'wait'],
    [told({ step: 'speak', turn: { now: true, seconds: 0 } }), 'say'],
    [told({ step: 'speak', fault }), 'fault'],
    [told({ step: null }), 'through'],
  ] as const)('is one thing', (now, said) => {
    expect(rehearsalSaid(now, null)).toBe(said);
  });
  it('stays when the rehearsal is over', () => {
    expect(rehearsalSaid(null, null)).toBeNull();
    expect(rehearsalSaid(null, told({ step: null }))).toBe('through');
    expect(rehearsalSaid(null, told({ step: 'hear' }))).toBe('over');
    expect(watches(told({ done: ['connect', 'see', 'hear'] }))).toBe(false);
  });
});

describe('a meeting', () => {
  const meeting = (id: string, kind: Meeting['kind']): Meeting => ({
    id,
    title: id,
    kind,
    status: 'open',
    secrecy: 'none',
    level: 'nation',
    place: { unit: 'VN', label: 'cả nước' },
    codec: 'h264',
    scope: [],
    opened_at: null,
    sites: 1,
  });
  const you = (at: string | null, ...meetings: Meeting[]): You => ({
    meetings,
    in: at,
    publish: null,
    state: 'standby',
    mic: 'off',
    call: null,
    seen: [],
  });
  it('goes before a rehearsal, also for who is in one', () => {
    const [real, trial] = [meeting('m_1', 'meeting'), meeting('m_2', 'rehearsal')];
    expect(meetingToJoin(you(null, trial), null)).toBe('m_2');
    expect(meetingToJoin(you(null, trial, real), null)).toBe('m_1');
    expect(meetingToJoin(you('m_2', trial, real), null)).toBe('m_1');
    expect(meetingToJoin(you('m_2', trial), null)).toBeNull();
    expect(meetingToJoin(you('m_1', trial, real), null)).toBeNull();
  });
});
