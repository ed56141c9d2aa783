import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { neighbour, type Direction } from '../../src/models/readiness';
import { alone, HEIGHT, insets, regions, WIDTH } from '../../src/rollout/map/shapes';

/** Codes of the provinces that a dataset of the server has. */
const provinces = (dataset: string): string[] =>
  readFileSync(`../src/diemcau/units/data/${dataset}.tsv`, 'utf8')
    .split('\n')
    .map((line) => line.split('\t'))
    .filter(([, parent, level]) => parent === 'VN' && level === 'province')
    .map(([code]) => code ?? '');

describe.each([
  ['2021-09', 63],
  ['2025-07', 34],
])('the map of %s', (dataset, count) => {
  const shapes = regions(dataset);

  it('has a shape for every province of the dataset and for nothing else', () => {
    expect(shapes).toHaveLength(count);
    expect(shapes.map((s) => s.code).sort()).toEqual(provinces(dataset).sort());
  });

  it('draws every one inside the frame, left of the archipelagos', () => {
    for (const shape of shapes) {
      const numbers = [...shape.path.matchAll(/-?\d+(\.\d+)?/g)].map((m) => Number(m[0]));
      expect(numbers.length, shape.code).toBeGreaterThan(8);
      const xs = numbers.filter((_, i) => i % 2 === 0);
      const ys = numbers.filter((_, i) => i % 2 === 1);
      // A ring that runs the wrong way round would be the whole world without the province.
      expect(Math.max(...xs) - Math.min(...xs), shape.code).toBeLessThan(220);
      expect(Math.min(...xs), shape.code).toBeGreaterThanOrEqual(0);
      expect(Math.max(...xs), shape.code).toBeLessThan(396);
      expect(Math.max(...ys), shape.code).toBeLessThan(HEIGHT);
    }
  });

  it('can be walked from any province to any other with the arrow keys', () => {
    const reached = new Set(['01']);
    const next = ['01'];
    for (let code = next.pop(); code !== undefined; code = next.pop())
      for (const way of ['up', 'down', 'left', 'right'] as Direction[]) {
        const found = neighbour(shapes, code, way);
        if (found !== null && !reached.has(found)) {
          reached.add(found);
          next.push(found);
        }
      }
    expect(reached.size).toBe(count);
  });
});

describe('the archipelagos', () => {
  it('are both there, each with its islands, labelled boxes inside the frame, of Đà Nẵng and Khánh Hòa', () => {
    const [hoangSa, truongSa, ...others] = insets();
    expect(others).toEqual([]);
    expect([hoangSa?.name, hoangSa?.code]).toEqual(['hoangSa', '48']);
    expect([truongSa?.name, truongSa?.code]).toEqual(['truongSa', '56']);
    expect(hoangSa?.islands.length).toBeGreaterThanOrEqual(5);
    expect(truongSa?.islands.length).toBeGreaterThanOrEqual(10);
    for (const box of [hoangSa, truongSa]) {
      if (!box) throw new Error('an archipelago is missing');
      expect(box.x + box.width).toBeLessThanOrEqual(WIDTH);
      for (const island of box.islands) {
        expect(island.path).toMatch(/^M/);
        expect(island.x).toBeGreaterThan(box.x);
        expect(island.x).toBeLessThan(box.x + box.width);
        expect(island.y).toBeGreaterThan(box.y);
        expect(island.y).toBeLessThan(box.y + box.height);
      }
    }
  });

  it('belong to provinces that both datasets have', () => {
    for (const dataset of ['2021-09', '2025-07'])
      for (const { code } of insets()) expect(regions(dataset).map((s) => s.code)).toContain(code);
  });
});

it('a dataset without a map has none, and a province alone is drawn with its points', () => {
  expect(regions('2030-01')).toEqual([]);
  expect(alone('2030-01', '48', 100, 100)).toBeNull();
  const daNang = alone('2025-07', '48', 400, 300);
  const [x, y] = daNang?.at(107.966, 15.631) ?? [0, 0];
  expect(x).toBeGreaterThan(0);
  expect(x).toBeLessThan(400);
  expect(y).toBeGreaterThan(0);
  expect(y).toBeLessThan(300);
});

it('the map data is small', () => {
  expect(gzipSync(readFileSync('src/rollout/map/vietnam.json')).length).toBeLessThan(70_000);
});
