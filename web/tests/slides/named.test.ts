import { describe, expect, it } from 'vitest';
import { screenTitle, UNNAMED } from '../../src/slides/named';

describe('the name of a shared screen', () => {
  it.each([
    'screen:-3:0',
    'screen:0:0',
    'window:83886083:1',
    'web-contents-media-stream://3:1',
    ' ',
    'screen',
  ])('is none where the browser says %j', (label) => {
    expect(screenTitle(label)).toBe(UNNAMED);
  });

  it.each(['Báo cáo tuần.pptx', 'Screen 1', 'Window of the duty officer', '2021-09-05 tình hình'])(
    'is the window’s own %j',
    (label) => {
      expect(screenTitle(` ${label} `)).toBe(label);
    },
  );

  it('is no longer than the server takes', () => {
    expect(screenTitle('ô'.repeat(500))).toHaveLength(200);
  });
});
