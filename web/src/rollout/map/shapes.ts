import { geoMercator, geoPath, type GeoPath, type GeoProjection } from 'd3-geo';
import { feature, merge } from 'topojson-client';
import type { GeometryCollection, MultiPolygon, Topology } from 'topojson-specification';
import type { Feature, MultiPolygon as Shape } from 'geojson';
import data from './vietnam.json';

interface Properties {
  code: string;
  since2025: string;
}
interface MapData {
  land: Topology<{ provinces: GeometryCollection<Properties> }>;
  sea: Topology<{ hoang_sa: MultiPolygon<Properties>; truong_sa: MultiPolygon<Properties> }>;
}
const { land, sea } = data as unknown as MapData;

/** A province as it is drawn. */
export interface Region {
  code: string;
  path: string;
  /** Where its middle is, for the keys and for marks. */
  x: number;
  y: number;
}

export interface Island {
  path: string;
  x: number;
  y: number;
}

/** An archipelago in a box of its own. `code`: the province that it belongs to. */
export interface Inset {
  name: 'hoangSa' | 'truongSa';
  code: string;
  x: number;
  y: number;
  width: number;
  height: number;
  islands: Island[];
}

export const WIDTH = 690;
export const HEIGHT = 760;
const MAINLAND: [[number, number], [number, number]] = [
  [8, 8],
  [392, HEIGHT - 8],
];
const BOXES = { hoangSa: { y: 300, height: 190 }, truongSa: { y: 520, height: 232 } };
const BOX_X = 414;
const BOX_WIDTH = 268;
const ROOM = 20;
/** Two lines of words below the islands. */
const WORDS = 56;

type Dataset = '2021-09' | '2025-07';
const known = new Map<string, Region[]>();

/** The provinces of a dataset; empty for one that has no map. */
export function regions(dataset: string): Region[] {
  const found = known.get(dataset);
  if (found) return found;
  const made = dataset === '2021-09' || dataset === '2025-07' ? draw(dataset) : [];
  known.set(dataset, made);
  return made;
}

/** Both archipelagos, whatever the dataset: their provinces have kept their codes. */
export const insets = (): Inset[] => [
  inset('hoangSa', sea.objects.hoang_sa),
  inset('truongSa', sea.objects.truong_sa),
];

function draw(dataset: Dataset): Region[] {
  const path = geoPath(fitted());
  return shapes(dataset).map(({ code, shape }) => {
    const [x, y] = middle(path, shape);
    return { code, path: path(shape) ?? '', x, y };
  });
}

/** One province alone, drawn as large as it fits, and where points of it lie. */
export function alone(
  dataset: string,
  code: string,
  width: number,
  height: number,
): { path: string; at: (lon: number, lat: number) => [number, number] | null } | null {
  if (dataset !== '2021-09' && dataset !== '2025-07') return null;
  const found = shapes(dataset).find((one) => one.code === code);
  if (!found) return null;
  const edge = 24;
  const projection = geoMercator().fitExtent(
    [
      [edge, edge],
      [width - edge, height - edge],
    ],
    found.shape,
  );
  return { path: geoPath(projection)(found.shape) ?? '', at: (lon, lat) => projection([lon, lat]) };
}

function shapes(dataset: Dataset): { code: string; shape: Feature<Shape> | Shape }[] {
  const { provinces } = land.objects;
  if (dataset === '2021-09')
    return feature(land, provinces).features.map((one) => ({
      code: one.properties.code,
      shape: one as Feature<Shape>,
    }));
  const groups = new Map<string, typeof provinces.geometries>();
  for (const one of provinces.geometries) {
    const code = (one.properties as Properties).since2025;
    groups.set(code, [...(groups.get(code) ?? []), one]);
  }
  return [...groups].map(([code, members]) => ({
    code,
    shape: merge(land, members as MultiPolygon<Properties>[]),
  }));
}

function fitted(): GeoProjection {
  return geoMercator().fitExtent(MAINLAND, feature(land, land.objects.provinces));
}

/** The middle of the largest part: the middle of all parts may lie in the sea. */
function middle(path: GeoPath, shape: Feature<Shape> | Shape): [number, number] {
  const { coordinates } = shape.type === 'Feature' ? shape.geometry : shape;
  const parts = coordinates.map((polygon) => ({ type: 'Polygon' as const, coordinates: polygon }));
  const largest = parts.reduce((a, b) => (path.area(a) >= path.area(b) ? a : b));
  return path.centroid(largest);
}

function inset(name: Inset['name'], object: MultiPolygon<Properties>): Inset {
  const { y, height } = BOXES[name];
  const shape = feature<Properties>(sea, object);
  const projection = geoMercator().fitExtent(
    [
      [BOX_X + ROOM, y + ROOM],
      [BOX_X + BOX_WIDTH - ROOM, y + height - WORDS - ROOM / 2],
    ],
    shape,
  );
  const path = geoPath(projection);
  const islands = shape.geometry.coordinates.map((polygon) => {
    const one = { type: 'Polygon' as const, coordinates: polygon };
    const [x, top] = path.centroid(one);
    return { path: path(one) ?? '', x, y: top };
  });
  return { name, code: shape.properties.code, x: BOX_X, y, width: BOX_WIDTH, height, islands };
}
