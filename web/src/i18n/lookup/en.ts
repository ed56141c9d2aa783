import type { lookup as vi } from './vi';

export const lookup: typeof vi = {
  certain: 'Enter: to the preview · Ctrl Enter: into the line-up · Shift Enter: only select',
  certainCentre: 'Enter: call · Ctrl Enter: into the line-up · Shift Enter: only select',
  loud: 'sound',
  end: 'End',
  rollNone: 'no roll call yet',
  foundBefore: 'Found by earlier inspections',
  foundMore: 'and {{n}} more',
  keys: {
    findSelect: 'Find and only select: neither calls nor previews',
    findLineUp: 'Find and put into the line-up',
  },
};
