import type { KeyboardEvent, ReactNode } from 'react';
import classes from './floor.module.css';

const TYPE = 'text/x-diemcau-site';

/** Takes an entry elsewhere in its list: dragged, or step by step with the arrows. What is dropped here goes before it. */
export function Grip({
  site,
  label,
  gate,
  onStep,
  onDrop,
  children,
}: {
  site: string;
  label: string;
  /** Whether it may be moved, and the tooltip. */
  gate: { disabled: boolean; title: string | undefined };
  onStep: (step: -1 | 1) => void;
  onDrop: (dragged: string) => void;
  children: ReactNode;
}) {
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== 'ArrowUp' && event.key !== 'ArrowDown') return;
    event.preventDefault();
    onStep(event.key === 'ArrowUp' ? -1 : 1);
  };
  return (
    <button
      type="button"
      className={classes.grip}
      draggable={!gate.disabled}
      aria-label={label}
      {...gate}
      onKeyDown={onKeyDown}
      onDragStart={(event) => {
        event.dataTransfer.setData(TYPE, site);
        event.dataTransfer.effectAllowed = 'move';
      }}
      onDragOver={(event) => {
        if (event.dataTransfer.types.includes(TYPE)) event.preventDefault();
      }}
      onDrop={(event) => {
        event.preventDefault();
        onDrop(event.dataTransfer.getData(TYPE));
      }}
      data-testid="grip"
    >
      <span aria-hidden="true">⠿</span>
      {children}
    </button>
  );
}
