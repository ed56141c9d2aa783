import { describe, expect, it } from 'vitest';
import { applyEvent, shownTo } from '../../src/models/meeting';
import { emptyStage } from '../../src/models/stage';
import type { MeetingState } from '../../src/protocol/types';
import { pick, seeded } from '../random';
import { floorOf, openMeeting } from './states';

let seq = 0;
const after = (state: MeetingState, type: string, data: Record<string, unknown> = {}) =>
  applyEvent(state, {
    stream: 'meeting:m_1',
    seq: ++seq,
    type,
    at: '2021-09-05T02:00:00.000Z',
    actor: 'person:p_1',
    data,
  });

describe('a meeting after an event', () => {
  it('raises and lowers hands in their order, once each', () => {
    let s = after(openMeeting(), 'hand_raised', { site: 's_1' });
    s = after(s, 'hand_raised', { site: 's_2' });
    s = after(s, 'hand_raised', { site: 's_1' });
    expect(s.floor.hands.map((h) => h.site)).toEqual(['s_1', 's_2']);
    expect(after(s, 'hand_lowered', { site: 's_1' }).floor.hands.map((h) => h.site)).toEqual(['s_2']);
  });

  it('gives the floor: the hand goes down and the microphone opens; who is replaced loses it by an event of its own', () => {
    let s = after(openMeeting(), 'hand_raised', { site: 's_1' });
    s = after(s, 'floor_given', { site: 's_1', replace: true });
    expect(s.floor).toMatchObject({ hands: [], speakers: [{ site: 's_1', mic: 'open' }] });
    s = after(s, 'floor_given', { site: 's_2', replace: false });
    expect(s.floor.speakers.map((x) => x.site)).toEqual(['s_1', 's_2']);
    s = after(s, 'floor_ended', { site: 's_1', reason: 'replaced' });
    expect(s.floor.speakers.map((x) => x.site)).toEqual(['s_2']);
  });

  it("mutes speakers, shuts the chair's microphone, and opens both again", () => {
    let s = after(openMeeting(), 'floor_given', { site: 's_1' });
    s = after(s, 'mic_set', { site: 's_vn', on: true });
    expect(s.chair_mic).toBe('open');
    s = after(s, 'muted', { sites: ['s_1', 's_vn'] });
    expect([s.floor.speakers[0]?.mic, s.chair_mic]).toEqual(['muted', 'off']);
    s = after(s, 'unmuted', { site: 's_1' });
    s = after(s, 'mic_set', { site: 's_1', on: false });
    expect(s.floor.speakers[0]?.mic).toBe('off');
  });

  it('takes a hand up to the centre and back, and puts it elsewhere in its queue', () => {
    let s = after(openMeeting(), 'hand_raised', { site: 's_1', branch: '70' });
    const raised = s.floor.hands[0]?.rank ?? 0;
    expect(s.floor.hands[0]).toMatchObject({ branch: '70', forwarded: null });
    s = after(s, 'hand_forwarded', { site: 's_1', note: 'nước sinh hoạt', by: 'Bình' });
    expect(s.floor.hands[0]?.forwarded).toMatchObject({ note: 'nước sinh hoạt', by: 'Bình' });
    s = after(s, 'hand_recalled', { site: 's_1' });
    s = after(s, 'hand_moved', { site: 's_1', rank: raised - 0.5 });
    expect(s.floor.hands[0]).toMatchObject({ forwarded: null, rank: raised - 0.5 });
    expect(after(s, 'hand_forwarded', {})).toEqual(s);
  });

  it('gives the floor for a time, takes the speaker off the list, extends', () => {
    const entry = { site: 's_1', note: '', minutes: 2, version: 1 };
    let s = after(openMeeting(), 'list_set', { entries: [entry, { ...entry, site: 's_2' }] });
    s = after(s, 'floor_given', { site: 's_1', until: '2021-09-05T02:02:00.000Z' });
    expect(s.floor.list.map((one) => one.site)).toEqual(['s_2']);
    expect(s.floor.speakers[0]?.until).toBe('2021-09-05T02:02:00.000Z');
    s = after(s, 'floor_extended', { site: 's_1', minutes: 1, until: '2021-09-05T02:03:00.000Z' });
    expect(s.floor.speakers[0]?.until).toBe('2021-09-05T02:03:00.000Z');
  });

  it('remembers whom a mute of many shut, until somebody touches them', () => {
    let s = after(openMeeting(), 'floor_given', { site: 's_1' });
    s = after(s, 'floor_given', { site: 's_2' });
    s = after(s, 'muted', { sites: ['s_1', 's_2'], many: true, unit: '70', by: 'Bình' });
    expect(s.floor.last_mute).toMatchObject({ n: seq, unit: '70', count: 2, sites: ['s_1', 's_2'] });
    s = after(s, 'unmuted', { site: 's_1' });
    s = after(s, 'floor_ended', { site: 's_2', reason: 'ended' });
    expect(s.floor.last_mute).toMatchObject({ count: 2, sites: [] });
  });

  it('knows who was asked to turn its microphone on, and the answer', () => {
    const asked = () => s.floor.speakers[0]?.asked?.answer;
    let s = after(openMeeting(), 'floor_given', { site: 's_1' });
    s = after(s, 'mic_set', { site: 's_1', on: false });
    s = after(s, 'unmute_asked', { site: 's_1' });
    expect(asked()).toBeNull();
    expect(((s = after(s, 'unmute_answered', { site: 's_1', yes: false })), asked())).toBe('no');
    s = after(s, 'unmute_asked', { site: 's_1' });
    expect(((s = after(s, 'mic_set', { site: 's_1', on: true })), asked())).toBe('yes');
  });

  it('ends with nobody on the floor and nothing on the stage', () => {
    let s = after(openMeeting(), 'floor_given', { site: 's_1' });
    s = after(s, 'meeting_ended');
    expect(s).toMatchObject({
      status: 'ended',
      floor: { speakers: [], hands: [] },
      stage: { on_air: [null], before: [null] },
    });
  });

  it('cuts, and can be cut back to what was before', () => {
    let s = after(openMeeting(), 'stage_previewed', { slots: ['s_1', null] });
    s = after(s, 'stage_cut', { slots: ['s_1', null], before: ['s_vn'] });
    expect(s.stage).toMatchObject({ on_air: ['s_1', null], preview: ['s_1', null], before: ['s_vn'] });
    s = after(s, 'stage_cut', { slots: s.stage.before, before: s.stage.on_air });
    expect(s.stage.on_air).toEqual(['s_vn']);
  });

  it('lines up who comes next, and lets go of who is on preview or on air', () => {
    let s = after(openMeeting(), 'stage_lined_up', { sites: ['s_1', 's_2', 's_3'] });
    s = after(s, 'stage_previewed', { slots: ['s_2'] });
    expect(s.stage.line_up).toEqual(['s_1', 's_3']);
    s = after(s, 'stage_cut', { slots: ['s_3'], before: ['s_vn'] });
    expect(s.stage.line_up).toEqual(['s_1']);
    expect(after(s, 'meeting_ended').stage.line_up).toEqual([]);
  });

  it('takes the names an event brings', () => {
    const s = after(openMeeting(), 'hand_raised', {
      site: 's_9',
      names: { s_9: { label: 'Chín', unit: '9', path: 'p' } },
    });
    expect(s.sites['s_9']?.label).toBe('Chín');
  });

  it('keeps the count of hands a site may not see', () => {
    const s = after(openMeeting({ floor: floorOf({ hands_total: 2 }) }), 'hand_raised', { hands_total: 3 });
    expect(s.floor).toEqual(floorOf({ hands_total: 3 }));
  });

  it('keeps the last 200 messages, counting those it may not read', () => {
    const message = (n: number) => ({
      n,
      id: `x${n}`,
      to: 'all',
      text: 't',
      from: { kind: 'site', id: 's_1', name: '' },
    });
    let s = openMeeting();
    for (let n = 1; n <= 150; n++) s = after(s, 'message_posted', message(n));
    for (let n = 151; n <= 300; n++) s = after(s, 'message_posted', { n });
    expect(s.messages.map((m) => m.n)).toEqual(Array.from({ length: 50 }, (_, i) => 101 + i));
  });

  it('is left alone by events of a newer server and by data that makes no sense', () => {
    const s = openMeeting();
    expect(after(s, 'agenda_moved', { item: 3 })).toEqual(s);
    expect(after(s, 'message_posted', { text: 5 })).toEqual(s);
    expect(after(s, 'floor_given', { site: 7 })).toEqual(s);
  });

  it.each(Array.from({ length: 30 }, (_, i) => i))('never breaks its own rules (seed %i)', (seed) => {
    const random = seeded(seed);
    const sites = ['s_1', 's_2', 's_3', 's_4', 's_vn'];
    let s = openMeeting();
    for (let i = 0; i < 200; i++) {
      const before = JSON.stringify(s);
      const type = pick(random, [
        'hand_raised',
        'hand_lowered',
        'floor_given',
        'floor_ended',
        'muted',
        'unmuted',
        'stage_cut',
        'mic_set',
      ]);
      const site = pick(random, sites);
      const frozen = s;
      s = after(s, type, {
        site,
        sites: [site],
        replace: random() < 0.5,
        on: random() < 0.5,
        slots: [site, null],
        before: s.stage.on_air,
      });
      expect(JSON.stringify(frozen)).toBe(before);
      const hands = s.floor.hands.map((h) => h.site);
      const speakers = s.floor.speakers.map((x) => x.site);
      expect(new Set(hands).size).toBe(hands.length);
      expect(new Set(speakers).size).toBe(speakers.length);
    }
  });
});

describe('what a viewer is shown', () => {
  it('never shows a site itself: it sees the chair', () => {
    const s = openMeeting({
      stage: {
        ...emptyStage(),
        on_air: ['s_1', 's_2'],
        layouts: { on_air: 'two', preview: 'one', before: 'one' },
      },
    });
    expect([0, 1].map((slot) => shownTo('s_1', s, slot))).toEqual(['s_vn', 's_2']);
    expect(shownTo('s_vn', openMeeting(), 0)).toBeNull();
    expect(shownTo(null, s, 0)).toBe('s_1');
  });
});
