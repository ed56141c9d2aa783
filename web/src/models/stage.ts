import {
  LAYOUTS,
  PRESENTATION,
  type CaptionText,
  type LayoutName,
  type Look,
  type Slots,
  type StageState,
} from '../protocol/types';
import { list, record, slots, text } from './fields';

/** The stage of a meeting that has ended. */
export const emptyStage = (): StageState => ({
  on_air: [null],
  preview: [null],
  before: [null],
  line_up: [],
  layouts: { on_air: 'one', preview: 'one', before: 'one' },
  captions: { on: true, people: {} },
  chair_pinned: false,
  hold: null,
  presentation: null,
});

/** The stage after one event; the same object for an event that is not of it. */
export function applyStage(
  stage: StageState,
  type: string,
  at: string,
  data: Record<string, unknown>,
): StageState {
  switch (type) {
    case 'stage_previewed': {
      const preview = slots(data['slots']);
      const layouts = { ...stage.layouts, preview: layoutOf(data['layout'], preview) };
      return withPeople(
        { ...stage, preview, layouts, line_up: without(stage.line_up, preview) },
        data['captions'],
      );
    }
    case 'stage_cut': {
      const on_air = slots(data['slots']);
      const told = Array.isArray(data['before']);
      const before = told ? slots(data['before']) : stage.on_air;
      const layouts = {
        ...stage.layouts,
        on_air: layoutOf(data['layout'], on_air),
        before: told ? layoutOf(data['before_layout'], before) : stage.layouts.on_air,
      };
      const line_up = without(stage.line_up, on_air);
      return withPeople({ ...stage, on_air, before, layouts, line_up, hold: null }, data['captions']);
    }
    case 'stage_lined_up':
      return { ...stage, line_up: list(data['sites']) };
    case 'stage_held': {
      const held = { since: at, text: text(data['text']), until: text(data['until']) };
      return { ...stage, hold: data['on'] === true ? held : null };
    }
    case 'captions_set':
      return { ...stage, captions: { ...stage.captions, on: data['on'] === true } };
    case 'caption_set':
      return withPeople(stage, { [text(data['site']) ?? '']: data['caption'] });
    case 'chair_pinned':
      return { ...stage, chair_pinned: data['on'] === true };
    case 'presentation_started': {
      const [key, by, name, title] = ['key', 'by', 'name', 'title'].map((k) => text(data[k]) ?? '');
      return {
        ...stage,
        presentation: { key: key ?? '', by: by ?? '', name: name ?? '', title: title ?? '', since: at },
      };
    }
    case 'presentation_ended':
      return { ...stage, presentation: null };
    default:
      return stage;
  }
}

/** Who goes on preview or on air has left the line. */
const without = (line: readonly string[] | undefined, shown: Slots): string[] =>
  (line ?? []).filter((site) => !shown.includes(site));

/** A layout that is not named, or that this page does not know, is the plain one of so many slots. */
function layoutOf(name: unknown, held: Slots): LayoutName {
  const known = text(name);
  if (known !== null && known in LAYOUTS) return known as LayoutName;
  return held.length === 1 ? 'one' : held.length === 2 ? 'two' : 'four';
}

/** Who the sites in the slots show: what is told of some, and nobody of a site that is in none. */
function withPeople(stage: StageState, told: unknown): StageState {
  const all = { ...stage.captions.people, ...record(told) };
  const staged = new Set([...stage.on_air, ...stage.preview, ...stage.before]);
  const people: Record<string, CaptionText> = {};
  for (const [site, who] of Object.entries(all)) {
    const name = text(record(who)['name']);
    if (name !== null && staged.has(site)) people[site] = { name, title: text(record(who)['title']) };
  }
  return { ...stage, captions: { ...stage.captions, people } };
}

export const lookOf = (stage: StageState | undefined, place: 'on_air' | 'preview' | 'before'): Look =>
  stage ? { layout: stage.layouts[place], slots: stage[place] } : { layout: 'one', slots: [null] };

/** Whether a slot is shown small, inside or beside another. */
export const isSmall = (layout: LayoutName, line: number): boolean =>
  line === 1 && (layout === 'speaker_chair' || layout === 'slides_speaker');

const isSite = (slot: string | null): slot is string => slot !== null && slot !== PRESENTATION;

/** A preview with one more site: in the chosen slot, else the first empty one, else the one that speakers take. */
export function withPreview({ layout, slots: preview }: Look, site: string, chosen: number | null): Look {
  const next: Slots = [...preview];
  const there = next.indexOf(site);
  if (there !== -1 && (chosen === null || chosen === there)) return { layout, slots: next };
  // A site is on one slot at most: the picture is one.
  if (there !== -1) next[there] = null;
  const speaker = layout === 'slides_speaker' ? 1 : 0;
  // The large slot beside a speaker waits for slides.
  const empty = layout === 'slides_speaker' ? -1 : next.indexOf(null);
  next[chosen !== null && chosen < next.length ? chosen : empty === -1 ? speaker : empty] = site;
  return { layout, slots: next };
}

/** The same sites in another layout; the chair and the slides in the slots that are theirs. */
export function inLayout(from: Look, layout: LayoutName, chair: string | null): Look {
  if (layout === 'slides_speaker') {
    const [speaker = null] = from.slots.filter((slot) => isSite(slot));
    return { layout, slots: [PRESENTATION, speaker] };
  }
  if (layout === 'speaker_chair') {
    const [speaker = null] = from.slots.filter((slot) => isSite(slot) && slot !== chair);
    return { layout, slots: [speaker, chair] };
  }
  const held = [...from.slots.filter((slot) => isSite(slot)), ...from.slots.filter((slot) => !isSite(slot))];
  const size = LAYOUTS[layout];
  // Between layouts of one size a slot keeps its place.
  const kept = from.slots.length <= size ? from.slots : held;
  return { layout, slots: Array.from({ length: size }, (_, line) => kept[line] ?? null) };
}

/** What the preview becomes when slides are to be seen: beside who speaks there, or alone. */
export function withSlides(from: Look): Look {
  if (from.slots.includes(PRESENTATION)) return from;
  const [speaker = null] = from.slots.filter((slot) => isSite(slot));
  return speaker === null
    ? { layout: 'one', slots: [PRESENTATION] }
    : { layout: 'slides_speaker', slots: [PRESENTATION, speaker] };
}
