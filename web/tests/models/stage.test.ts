import { describe, expect, it } from 'vitest';
import { applyStage, emptyStage, inLayout, isSmall, withPreview, withSlides } from '../../src/models/stage';
import { LAYOUTS, PRESENTATION, type LayoutName, type Look, type StageState } from '../../src/protocol/types';
import { captionOf } from '../../src/stage/Caption';
import { addressed, withoutAddress } from '../../src/desk/address';
import { openMeeting } from './states';

const AT = '2021-09-05T02:00:00.000Z';
const after = (stage: StageState, type: string, data: Record<string, unknown> = {}) =>
  applyStage(stage, type, AT, data);
const look = (layout: LayoutName, ...slots: (string | null)[]): Look => ({ layout, slots });

describe('the stage after an event', () => {
  it('takes layout and slots of a cut, and lets the holding picture go', () => {
    const held = after(emptyStage(), 'stage_held', { on: true, text: 'Nghỉ', until: null });
    expect(held.hold).toEqual({ since: AT, text: 'Nghỉ', until: null });
    const cut = after(held, 'stage_cut', {
      slots: ['s_1', 's_vn'],
      layout: 'speaker_chair',
      before: [null],
      before_layout: 'one',
      captions: { s_1: { name: 'Ông B', title: null }, s_vn: null },
    });
    expect(cut).toMatchObject({
      on_air: ['s_1', 's_vn'],
      layouts: { on_air: 'speaker_chair', before: 'one' },
      hold: null,
      captions: { people: { s_1: { name: 'Ông B', title: null } } },
    });
  });

  it('means the plain layout by an event of an older server, and by a name it does not know', () => {
    expect(after(emptyStage(), 'stage_previewed', { slots: ['s_1', null] }).layouts.preview).toBe('two');
    const later = { slots: ['s_1', null, null, null], layout: 'mosaic' };
    expect(after(emptyStage(), 'stage_previewed', later).layouts.preview).toBe('four');
  });

  it('forgets who a site showed that is in no slot any more', () => {
    const captions = { s_1: { name: 'Ông B', title: 'Chủ tịch' } };
    const first = after(emptyStage(), 'stage_previewed', { slots: ['s_1'], layout: 'one', captions });
    const named = after(first, 'caption_set', { site: 's_1', caption: { name: 'Bà C', title: null } });
    expect(named.captions.people['s_1']?.name).toBe('Bà C');
    const second = after(named, 'stage_previewed', {
      slots: ['s_2'],
      layout: 'one',
      captions: { s_2: null },
    });
    expect(second.captions.people).toEqual({});
    expect(after(named, 'caption_set', { site: 's_1', caption: null }).captions.people).toEqual({});
  });

  it('follows switches and the presentation', () => {
    let s = after(emptyStage(), 'captions_set', { on: false });
    s = after(s, 'chair_pinned', { on: true });
    s = after(s, 'presentation_started', { key: 'k', by: 'p_1', name: 'Bình', title: 'Báo cáo' });
    expect(s).toMatchObject({
      captions: { on: false },
      chair_pinned: true,
      presentation: { key: 'k', by: 'p_1', name: 'Bình', title: 'Báo cáo', since: AT },
    });
    expect(after(s, 'presentation_ended', { key: 'k', reason: 'lost' }).presentation).toBeNull();
    expect(after(s, 'hand_raised')).toBe(s);
  });
});

describe('a preview', () => {
  it('fills the chosen slot, else the first empty one, else the speaker’s, and shows a site once', () => {
    expect(withPreview(look('one', null), 's_1', null).slots).toEqual(['s_1']);
    expect(withPreview(look('two', 's_1', null), 's_2', null).slots).toEqual(['s_1', 's_2']);
    expect(withPreview(look('two', 's_1', 's_2'), 's_3', null).slots).toEqual(['s_3', 's_2']);
    expect(withPreview(look('two', 's_1', 's_2'), 's_3', 1).slots).toEqual(['s_1', 's_3']);
    expect(withPreview(look('two', 's_1', 's_2'), 's_1', 1).slots).toEqual([null, 's_1']);
    expect(withPreview(look('one', 's_1'), 's_1', null).slots).toEqual(['s_1']);
  });

  it('never puts a site where slides are', () => {
    const slides = look('slides_speaker', PRESENTATION, 's_1');
    expect(withPreview(slides, 's_2', null).slots).toEqual([PRESENTATION, 's_2']);
    expect(withPreview(look('slides_speaker', null, null), 's_2', null).slots).toEqual([null, 's_2']);
    expect(withPreview(look('speaker_chair', 's_1', 's_vn'), 's_2', null).slots).toEqual(['s_2', 's_vn']);
  });

  it('keeps its sites when the layout changes, the chair and the slides where they belong', () => {
    const two = look('two', 's_1', 's_2');
    expect(inLayout(two, 'four', null).slots).toEqual(['s_1', 's_2', null, null]);
    expect(inLayout(look('four', 's_1', 's_2', 's_3', null), 'one', null).slots).toEqual(['s_1']);
    expect(inLayout(look('two', 's_vn', 's_2'), 'speaker_chair', 's_vn').slots).toEqual(['s_2', 's_vn']);
    expect(inLayout(two, 'slides_speaker', 's_vn').slots).toEqual([PRESENTATION, 's_1']);
    const slides = look('slides_speaker', PRESENTATION, 's_1');
    expect(inLayout(slides, 'one', null).slots).toEqual(['s_1']);
    expect(inLayout(slides, 'speaker_chair', 's_vn').slots).toEqual(['s_1', 's_vn']);
    for (const layout of Object.keys(LAYOUTS) as LayoutName[])
      for (const from of [two, slides, look('one', null), look('four', null, 's_1', null, 's_vn')]) {
        const made = inLayout(from, layout, 's_vn');
        expect(made.slots).toHaveLength(LAYOUTS[layout]);
        const held = made.slots.filter((slot) => slot !== null);
        expect(new Set(held).size).toBe(held.length);
      }
  });

  it('gets slides beside who speaks there, or alone', () => {
    expect(withSlides(look('one', 's_1'))).toEqual(look('slides_speaker', PRESENTATION, 's_1'));
    expect(withSlides(look('one', null))).toEqual(look('one', PRESENTATION));
    const there = look('two', PRESENTATION, 's_1');
    expect(withSlides(there)).toBe(there);
    expect([isSmall('speaker_chair', 1), isSmall('speaker_chair', 0), isSmall('two', 1)]).toEqual([
      true,
      false,
      false,
    ]);
  });
});

describe('a caption', () => {
  it('names the person, else the site and where it is', () => {
    const stage = {
      ...emptyStage(),
      captions: { on: true, people: { s_1: { name: 'Ông B', title: null } } },
    };
    const state = openMeeting({ stage });
    const label = { title: 'Điểm cầu xã Tân Lợi', path: 'xã Tân Lợi, huyện Đồng Phú' };
    expect(captionOf(state, 's_1', label)).toEqual({ first: 'Ông B', second: 'Điểm cầu xã Tân Lợi' });
    expect(captionOf(state, 's_2', label)).toEqual({ first: label.title, second: label.path });
  });

  it('knows the form of address that a name begins with', () => {
    expect([addressed('ông Trần Văn B'), withoutAddress('ông Trần Văn B')]).toEqual(['Ông', 'Trần Văn B']);
    expect([addressed('Đ/c Lê C'), withoutAddress('Đ/c Lê C')]).toEqual(['Đồng chí', 'Lê C']);
    expect([addressed('Bàng Văn D'), withoutAddress('Bàng Văn D')]).toEqual(['', 'Bàng Văn D']);
  });
});
