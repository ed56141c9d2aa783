import { createStore, type StoreApi } from 'zustand/vanilla';
import { PictureFeed } from '../media/pictureFeed';
import { codeOf } from '../protocol/failure';
import type { Http } from '../protocol/http';
import { newId } from '../protocol/ids';
import { Wire } from '../protocol/socket';
import type { BoardRow } from '../protocol/types';
import { browserWorld, wireUrl } from '../protocol/world';
import { askPictures } from '../screens/api';

export interface BoardFacets {
  rows: readonly BoardRow[] | null;
  /** Code of why the board could not be read; the rows are then as they were. */
  failed: string | null;
  loggedOut: boolean;
  notice: string | null;
}

const STILLS_KBITS = 3000;

/** The board of running meetings: read anew whenever the server says that something on it has changed. */
export class BoardSession {
  readonly store: StoreApi<BoardFacets> = createStore<BoardFacets>(() => ({
    rows: null,
    failed: null,
    loggedOut: false,
    notice: null,
  }));
  readonly wire: Wire;
  readonly stills = new PictureFeed(askPictures, { kbits: STILLS_KBITS, size: 'small' });
  private reading: Promise<void> | null = null;
  private again = false;
  private stop: (() => void) | null = null;

  constructor(
    private readonly http: Http,
    tab: string,
  ) {
    http.page = 'desk';
    this.wire = new Wire(wireUrl(), 'desk', tab, browserWorld(http));
  }

  start(): void {
    this.stop = this.wire.state.subscribe((now, before) => {
      if (now.who !== before.who && now.who) this.http.csrf = now.who.csrf;
      if (now.link === 'not_authenticated') this.store.setState({ loggedOut: true });
      const back = now.link === 'open' && before.link !== 'open';
      if (now.board !== before.board || back) this.read();
    });
    this.wire.board(true);
    this.stills.start();
    this.wire.start();
  }

  close(): void {
    this.stop?.();
    this.stills.stop();
    this.wire.stop();
  }

  /** Reads it; what is asked for meanwhile is one more reading. */
  read(): void {
    if (this.reading !== null) {
      this.again = true;
      return;
    }
    this.reading = this.readOnce().finally(() => {
      this.reading = null;
      if (!this.again) return;
      this.again = false;
      this.read();
    });
  }

  /** Takes a meeting's direction over; whether it did. */
  async take(meeting: string): Promise<boolean> {
    try {
      await this.http.json('POST', '/commands', { id: newId(), type: 'direction.take', meeting });
      return true;
    } catch (error) {
      this.store.setState({ notice: codeOf(error) });
      return false;
    }
  }

  private async readOnce(): Promise<void> {
    try {
      const { meetings } = await this.http.json<{ meetings: BoardRow[] }>('GET', '/board');
      this.store.setState({ rows: meetings, failed: null });
    } catch (error) {
      this.store.setState({ failed: codeOf(error) });
    }
  }
}
