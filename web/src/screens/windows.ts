import { newId } from '../protocol/ids';
import type { ScreenKind } from '../protocol/types';

const PATHS: Record<ScreenKind, string> = { wall: 'tuong', stage: 'hinh-chinh', leader: 'lanh-dao' };

/** A monitor as the browser describes it, when it is allowed to. */
export interface Monitor {
  left: number;
  top: number;
  width: number;
  height: number;
  label: string;
}

interface Details {
  screens: {
    availLeft: number;
    availTop: number;
    availWidth: number;
    availHeight: number;
    width: number;
    height: number;
    label: string;
  }[];
}

type WithMonitors = Window & { getScreenDetails?: () => Promise<Details> };

/** Where a window is opened by hand, on any machine. */
export function addressOf(kind: ScreenKind, meeting: string): string {
  return `${location.origin}/trung-tam/man-hinh/${PATHS[kind]}?${new URLSearchParams({ hop: meeting }).toString()}`;
}

/** The monitors of this machine (Window Management API); null where the browser does not tell. Asks the operator. */
export async function monitors(): Promise<Monitor[] | null> {
  const ask = (window as WithMonitors).getScreenDetails;
  if (ask === undefined) return null;
  try {
    const { screens } = await ask.call(window);
    return screens.map((one) => ({
      left: one.availLeft,
      top: one.availTop,
      width: one.availWidth,
      height: one.availHeight,
      label: one.label,
    }));
  } catch {
    return null;
  }
}

/** Opens a window, on a monitor of its own where one is named; false when the browser blocks it. Call it inside a click. */
export function openWindow(kind: ScreenKind, meeting: string, on: Monitor | null, label: string): boolean {
  const query = new URLSearchParams({ hop: meeting, mo: '1', ...(label === '' ? {} : { nhan: label }) });
  const url = `/trung-tam/man-hinh/${PATHS[kind]}?${query.toString()}`;
  const place =
    on === null
      ? 'width=1280,height=720'
      : `left=${on.left},top=${on.top},width=${on.width},height=${on.height}`;
  return window.open(url, `dc-${newId()}`, `popup,${place}`) !== null;
}
