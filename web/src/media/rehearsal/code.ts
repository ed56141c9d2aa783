/** The pictures that the machine shows, numbered from 0. */
export const PICTURES = 8;
const COLUMNS = 20;
const ROWS = 2;
const CONTRAST = 60;
const CELL = 8;
export const STRIP_WIDTH = COLUMNS * CELL;
export const STRIP_HEIGHT = ROWS * CELL;
const WHITE = [0, COLUMNS * ROWS - 1];
const BLACK = [COLUMNS - 1, COLUMNS];

/**
 * The picture's number, from the strip of two rows of cells over its top (layout: `clips/timecode.py`); null where there
 * is no whole code. `data`: RGBA of the strip alone, `STRIP_WIDTH` by `STRIP_HEIGHT`.
 */
export function readNumber(data: Uint8ClampedArray): number | null {
  const light = (cell: number): number => {
    const [top, left] = [Math.floor(cell / COLUMNS) * CELL, (cell % COLUMNS) * CELL];
    let sum = 0;
    // The middle of a cell: its edges are smeared by scaling and by the codec.
    for (let y = top + CELL / 4; y < top + (3 * CELL) / 4; y++)
      for (let x = left + CELL / 4; x < left + (3 * CELL) / 4; x++)
        sum += data[(y * STRIP_WIDTH + x) * 4 + 1] ?? 0;
    return sum / (CELL / 2) ** 2;
  };
  const lights = Array.from({ length: COLUMNS * ROWS }, (_, cell) => light(cell));
  const at = (cell: number) => lights[cell] ?? 0;
  const white = Math.min(...WHITE.map(at));
  const black = Math.max(...BLACK.map(at));
  if (white - black < CONTRAST) return null;
  const middle = (white + black) / 2;
  const bits = lights.flatMap((level, cell) =>
    WHITE.includes(cell) || BLACK.includes(cell) ? [] : [level > middle ? 1 : 0],
  );
  const number = (from: number, to: number) => bits.slice(from, to).reduce((sum, bit) => sum * 2 + bit, 0);
  const head = number(0, 28);
  if (crc8(head) !== number(28, 36)) return null;
  const found = head % 4096;
  return found < PICTURES ? found : null;
}

/** CRC-8, polynomial 0x07, initial value 0xFF, of a 32-bit number. */
export function crc8(value: number): number {
  let crc = 0xff;
  for (const shift of [24, 16, 8, 0]) {
    crc ^= (value >>> shift) & 0xff;
    for (let bit = 0; bit < 8; bit++) crc = ((crc & 0x80 ? (crc << 1) ^ 0x07 : crc << 1) & 0xff) >>> 0;
  }
  return crc;
}
