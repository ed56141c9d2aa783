/** The head of an answer of `POST /pictures`; times are ms since the epoch, of the server's clock. */
export interface PicturesHead {
  run: string;
  next: number;
  more: boolean;
  news: [site: string, number: number, at: number][];
  pictures: [site: string, number: number, at: number, bytes: number][];
  full: boolean;
  /** Bytes a second that the server gives one person's walls. */
  rate: number;
  now: number;
}

export interface PicturesAnswer {
  head: PicturesHead;
  /** In the order of `head.pictures`; copies, so that one picture does not keep the whole answer. */
  bodies: Uint8Array<ArrayBuffer>[];
  /** Bytes of the whole answer. */
  bytes: number;
}

/** Four bytes (big-endian) say how long the head is; then the head as JSON; then the pictures, one behind the other. */
export function readPictures(answer: ArrayBuffer): PicturesAnswer {
  const length = new DataView(answer).getUint32(0);
  const head = JSON.parse(new TextDecoder().decode(new Uint8Array(answer, 4, length))) as PicturesHead;
  const bodies: Uint8Array<ArrayBuffer>[] = [];
  let at = 4 + length;
  for (const [, , , size] of head.pictures) {
    bodies.push(new Uint8Array(answer.slice(at, at + size)));
    at += size;
  }
  return { head, bodies, bytes: answer.byteLength };
}
