import { describe, expect, it } from 'vitest';
import { refusalOf, standingAbove } from '../../src/models/above';
import { applyEvent } from '../../src/models/meeting';
import { highestFirst, isHigher, otherMeetings } from '../../src/models/site';
import type { Meeting, MeetingState, Observer, You } from '../../src/protocol/types';
import { openMeeting } from './states';

const meeting = (id: string, level: Meeting['level'], over: Partial<Meeting> = {}): Meeting => ({
  id,
  title: id,
  kind: 'meeting',
  status: 'open',
  codec: 'h264',
  scope: [],
  opened_at: null,
  sites: 3,
  secrecy: 'none',
  level,
  place: { unit: level, label: level },
  ...over,
});
const you = (over: Partial<You>): You => ({
  meetings: [],
  in: null,
  publish: null,
  state: 'standby',
  mic: 'off',
  call: null,
  seen: [],
  ...over,
});
let seq = 100;
const after = (state: MeetingState, type: string, data: Record<string, unknown> = {}) =>
  applyEvent(state, {
    stream: 'm',
    seq: ++seq,
    type,
    at: '2021-09-05T02:00:00.000Z',
    actor: 'person:p_1',
    data,
  });
const nation = { unit: 'VN', label: 'cả nước' };
const by = { id: 'p_1', name: 'Bình', title: null };

describe('a site that is invited to several meetings', () => {
  const province = meeting('m_p', 'province');
  const national = meeting('m_n', 'nation');

  it('sees the higher one first', () => {
    expect(highestFirst([province, national]).map((m) => m.id)).toEqual(['m_n', 'm_p']);
    expect(isHigher(national, province)).toBe(true);
    expect(isHigher(province, meeting('m_q', 'province'))).toBe(false);
  });

  it('may move while it is in one, but not out of a call', () => {
    const inside = you({ in: 'm_p', meetings: [province, national] });
    expect(otherMeetings(inside).map((m) => m.id)).toEqual(['m_n']);
    const called = { id: 'i_1', state: 'live' as const, by: { ...by }, at: '' };
    expect(otherMeetings({ ...inside, call: called })).toEqual([]);
    expect(otherMeetings(you({ meetings: [province, national] }))).toEqual([]);
  });

  it('is offered neither a centre, nor a rehearsal, nor what has not begun', () => {
    const others = [
      meeting('m_c', 'nation', { kind: 'centre' }),
      meeting('m_r', 'nation', { kind: 'rehearsal' }),
      meeting('m_s', 'nation', { status: 'scheduled' }),
    ];
    expect(otherMeetings(you({ in: 'm_p', meetings: [province, ...others] }))).toEqual([]);
  });
});

describe('a desk and who is above it', () => {
  const watching: Observer = { ...by, whence: nation, since: '' };

  it('is its own, watches, directs, or only reads', () => {
    expect(standingAbove('p_2', openMeeting(), [watching])).toMatchObject({ role: 'own', readOnly: false });
    expect(standingAbove('p_1', openMeeting(), [watching])).toMatchObject({
      role: 'watches',
      readOnly: true,
    });
    const taken = after(openMeeting(), 'direction_taken', { by, whence: nation });
    expect(standingAbove('p_1', taken, [])).toMatchObject({ role: 'directs', readOnly: false });
    expect(standingAbove('p_2', taken, [])).toMatchObject({ role: 'taken', readOnly: true });
    const back = after(taken, 'direction_returned', { reason: 'lost' });
    expect(standingAbove('p_2', back, [])).toMatchObject({ role: 'own', readOnly: false });
  });
});

describe('what a desk may not do', () => {
  const director = { id: 'p_2', may: ['stage.cut', 'floor.give', 'mute', 'hand.forward', 'meeting.end'] };
  const taken = after(openMeeting(), 'direction_taken', { by, whence: nation });
  const watching: Observer[] = [{ ...by, id: 'p_2', whence: nation, since: '' }];

  it('is told by who directs, by who only watches, by role and by reach', () => {
    expect(refusalOf('stage.cut', director, openMeeting(), [])).toBeNull();
    expect(refusalOf('stage.cut', director, taken, [])).toBe('direction_taken');
    expect(refusalOf('stage.cut', { ...director, id: 'p_1' }, taken, [])).toBeNull();
    expect(refusalOf('stage.cut', director, openMeeting(), watching)).toBe('not_directing');
    expect(refusalOf('stage.cut', { id: 'p_2', may: ['meeting.see'] }, openMeeting(), [])).toBe('forbidden');
    expect(refusalOf('stage.cut', director, openMeeting({ reach: 'desk' }), [])).toBe('forbidden');
  });

  it('lets a technician without a desk speak with a site, and an auditor not', () => {
    const none = openMeeting({ reach: 'site' });
    expect(refusalOf('talk.open', { id: 'p_2', may: ['talkback'] }, none, watching)).toBeNull();
    expect(refusalOf('talk.open', { id: 'p_2', may: ['rollcall.see'] }, none, [])).toBe('forbidden');
  });

  it('leaves a province its own sites, and a branch its queue while another directs', () => {
    const province = openMeeting({ reach: 'desk' });
    expect(refusalOf('mute', director, province, [])).toBeNull();
    expect(refusalOf('mute', director, province, [], true)).toBe('forbidden');
    expect(refusalOf('mute', director, openMeeting({ reach: 'site' }), [])).toBe('forbidden');
    expect(refusalOf('hand.forward', director, { ...taken, reach: 'desk' }, [])).toBeNull();
  });

  it('is not guessed before the meeting is known', () => {
    expect(refusalOf('stage.cut', director, null, [])).toBeNull();
    expect(refusalOf('stage.cut', null, openMeeting(), [])).toBeNull();
  });
});

describe('the state', () => {
  it('knows who is away until he is back, and forgets it at the end', () => {
    const gone = after(openMeeting(), 'site_called_out', { site: 's_1', by, whence: nation });
    expect(gone.away?.['s_1']?.whence).toEqual(nation);
    expect(after(gone, 'site_returned', { site: 's_1', why: 'returned' }).away).toEqual({});
    expect(after(gone, 'meeting_ended').away).toEqual({});
  });

  it('says who shut the chair until its microphone is open again', () => {
    const open = after(openMeeting(), 'mic_set', { site: 's_vn', on: true });
    const shut = after(open, 'muted', { sites: ['s_vn'], chair_by: { name: 'Bình', title: null } });
    expect(shut.chair_muted_by?.name).toBe('Bình');
    expect(after(shut, 'muted', { sites: ['s_1'] }).chair_muted_by?.name).toBe('Bình');
    expect(after(shut, 'mic_set', { site: 's_vn', on: true }).chair_muted_by).toBeNull();
  });

  it('takes a raised mark', () => {
    expect(after(openMeeting(), 'secrecy_raised', { secrecy: 'secret' })).toMatchObject({
      secrecy: 'secret',
      may_record: false,
    });
  });
});
