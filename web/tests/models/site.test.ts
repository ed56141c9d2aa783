import { describe, expect, it } from 'vitest';
import { meetingToJoin, needsCamera, siteView, type SiteFacts } from '../../src/models/site';
import type { Meeting, You } from '../../src/protocol/types';

const you = (over: Partial<You> = {}): You => ({
  meetings: [],
  in: null,
  publish: null,
  state: 'standby',
  mic: 'off',
  call: null,
  seen: [],
  ...over,
});
const facts = (over: Partial<SiteFacts> = {}): SiteFacts => ({
  link: 'open',
  conflict: false,
  downMs: null,
  online: true,
  queue: null,
  you: you(),
  armed: true,
  camera: 'ok',
  mic: 'ok',
  viewer: 'idle',
  publisher: 'idle',
  ...over,
});
const meeting = (id: string, status: Meeting['status'] = 'open'): Meeting => ({
  id,
  title: id,
  kind: 'meeting',
  status,
  secrecy: 'none',
  level: 'nation',
  place: { unit: 'VN', label: 'cả nước' },
  codec: 'h264',
  scope: [],
  opened_at: null,
  sites: 1,
});

describe('what a site is told', () => {
  it('is ready only with sound, camera and microphone', () => {
    expect(siteView(facts())).toEqual({ face: 'ready', fault: null });
    expect(siteView(facts({ armed: false }))).toEqual({ face: 'not_ready', fault: 'not_armed' });
    expect(siteView(facts({ camera: 'busy' }))).toEqual({ face: 'not_ready', fault: 'camera_busy' });
    expect(siteView(facts({ mic: 'refused', camera: 'none' })).fault).toBe('mic_refused');
  });

  it('is not ready in a meeting while a device has to be mended, but a post without any camera is', () => {
    const inMeeting = { you: you({ state: 'in_meeting', in: 'm_1' }) };
    expect(siteView(facts({ ...inMeeting, camera: 'refused' })).face).toBe('not_ready');
    expect(siteView(facts({ ...inMeeting, mic: 'none' })).face).toBe('not_ready');
    expect(siteView(facts({ ...inMeeting, camera: 'none' }))).toEqual({
      face: 'in_meeting',
      fault: 'camera_none',
    });
  });

  it('says that there is no network as soon as the browser does', () => {
    expect(siteView(facts({ online: false }))).toEqual({ face: 'away', fault: 'no_network' });
  });

  it('says that it is coming in while it waits at the door, and nothing is wrong then', () => {
    const queue = { place: 128, of: 4_500, seconds: 20 };
    expect(siteView(facts({ queue, link: 'connecting', downMs: 30_000 }))).toEqual({
      face: 'entering',
      fault: null,
    });
    expect(siteView(facts({ queue, viewer: 'down' }))).toEqual({ face: 'entering', fault: null });
    expect(siteView(facts({ queue, armed: false })).fault).toBe('not_armed');
    expect(siteView(facts({ queue, online: false })).face).toBe('away');
  });

  it('counts as ready when the clerk has switched the camera off himself', () => {
    expect(siteView(facts({ camera: 'off' }))).toEqual({ face: 'ready', fault: null });
  });

  it.each([
    ['in_meeting', 'in_meeting'],
    ['invited_to_speak', 'invited'],
    ['speaking', 'speaking'],
    ['on_air', 'on_air'],
  ] as const)('in state %s shows %s', (state, face) => {
    expect(siteView(facts({ you: you({ state, in: 'm_1' }) })).face).toBe(face);
  });

  it('says that it is on air whatever else is wrong with its devices', () => {
    const view = siteView(facts({ you: you({ state: 'on_air', in: 'm_1' }), mic: 'lost' }));
    expect(view).toEqual({ face: 'on_air', fault: 'mic_lost' });
  });

  it('does not speak of a break that is over before it could be read', () => {
    expect(siteView(facts({ link: 'waiting', downMs: 800, you: you({ state: 'on_air' }) }))).toEqual({
      face: 'on_air',
      fault: null,
    });
    expect(siteView(facts({ link: 'waiting', downMs: 2_000 }))).toEqual({
      face: 'away',
      fault: 'reconnecting',
    });
    expect(siteView(facts({ link: 'waiting', downMs: 100, online: false })).fault).toBe('no_network');
  });

  it('says who took its place, and why there is no picture', () => {
    expect(siteView(facts({ link: 'replaced' }))).toEqual({ face: 'away', fault: 'replaced' });
    expect(
      siteView(facts({ viewer: 'cannot_show', you: you({ state: 'in_meeting', in: 'm_1' }) })).fault,
    ).toBe('cannot_show');
  });
});

describe('the meeting a site joins by itself', () => {
  it('is the only open one that it has not left', () => {
    expect(meetingToJoin(you({ meetings: [meeting('a'), meeting('b', 'scheduled')] }), null)).toBe('a');
    expect(meetingToJoin(you({ meetings: [meeting('a'), meeting('b')] }), null)).toBeNull();
    expect(meetingToJoin(you({ meetings: [meeting('a')] }), 'a')).toBeNull();
    expect(meetingToJoin(you({ meetings: [meeting('a')], in: 'a' }), null)).toBeNull();
    expect(meetingToJoin(null, null)).toBeNull();
  });
});

describe('a camera that waits until it is called', () => {
  const call = { id: 'c', by: { id: 'p', name: 'A', title: null }, at: '2021-09-05T01:00:00Z' };

  it('stays closed while the page stands by or only rings', () => {
    expect(needsCamera(null)).toBe(false);
    expect(needsCamera(you())).toBe(false);
    expect(needsCamera(you({ call: { ...call, state: 'ringing' } }))).toBe(false);
    expect(needsCamera(you({ in: 'm_1', call: { ...call, state: 'ringing' } }))).toBe(false);
    expect(needsCamera(you({ publish: { audio: true, video: false } }))).toBe(false);
  });

  it('opens when its picture is asked for and in a meeting', () => {
    expect(needsCamera(you({ publish: { audio: false, video: true } }))).toBe(true);
    expect(needsCamera(you({ in: 'm_1' }))).toBe(true);
  });
});
