import type { ReactNode } from 'react';
import { isSmall } from '../models/stage';
import type { Look } from '../protocol/types';
import classes from './stageframe.module.css';

/** Video lines of a stage, whatever its layout: their elements stay while layouts come and go. */
const LINES = [0, 1, 2, 3] as const;

export interface SlotPlace {
  line: number;
  slot: string | null;
  used: boolean;
  /** Shown small, inside or beside another. */
  small: boolean;
}

interface Props {
  look: Look;
  children: (place: SlotPlace) => ReactNode;
  /** What lies over all slots. */
  over?: ReactNode;
  chosen?: number | null;
}

/** Draws a layout: the same on every page that shows a stage, in whatever size. */
export function StageFrame({ look, children, over, chosen = null }: Props) {
  return (
    <div className={classes.frame} data-layout={look.layout} data-testid="stage-frame">
      {LINES.map((line) => {
        const used = line < look.slots.length;
        return (
          <figure
            key={line}
            className={classes.slot}
            data-line={line}
            data-chosen={chosen === line}
            hidden={!used}
          >
            {children({ line, slot: look.slots[line] ?? null, used, small: isSmall(look.layout, line) })}
          </figure>
        );
      })}
      {over}
    </div>
  );
}
