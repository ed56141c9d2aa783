import { useId, useMemo, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { neighbour, type Direction, type ShareClass } from '../../models/readiness';
import { Legend } from './Legend';
import classes from './map.module.css';
import { fillOf, Patterns } from './Patterns';
import { InsetBox } from './InsetBox';
import { HEIGHT, insets, regions, WIDTH } from './shapes';

const KEYS: Record<string, Direction> = {
  ArrowUp: 'up',
  ArrowDown: 'down',
  ArrowLeft: 'left',
  ArrowRight: 'right',
};

/** A province as the map colours and names it. */
export interface MapUnit {
  code: string;
  kind: string;
  name: string;
  share: ShareClass;
  /** Its figures in words. */
  said: string;
}

interface MapProps {
  dataset: string;
  provinces: readonly MapUnit[];
  onOpen: (code: string) => void;
  /** What the map shows. */
  label: string;
  /** What the classes count. */
  legend: string;
}

/** The country by province, with Hoàng Sa and Trường Sa; hover or focus says the figures, a click or Enter goes in. */
export function NationMap({ dataset, provinces, onOpen, label, legend }: MapProps) {
  const { t } = useTranslation();
  const id = useId();
  const [at, setAt] = useState<string | null>(null);
  const shapes = useMemo(() => regions(dataset), [dataset]);
  const boxes = useMemo(() => insets(), []);
  const svg = useRef<SVGSVGElement>(null);
  const units = useMemo(() => new Map(provinces.map((u) => [u.code, u])), [provinces]);

  const say = (code: string): string => units.get(code)?.said ?? code;
  const fill = (code: string) => fillOf(id, units.get(code)?.share ?? 'none');
  const handle = (code: string) => ({
    onClick: () => onOpen(code),
    onPointerEnter: () => setAt(code),
    onPointerLeave: () => setAt((now) => (now === code ? null : now)),
    onFocus: () => setAt(code),
    onBlur: () => setAt(null),
    onKeyDown: (event: React.KeyboardEvent) => {
      const direction = KEYS[event.key];
      if (event.key === 'Enter' || event.key === ' ') {
        event.preventDefault();
        onOpen(code);
      } else if (direction) {
        event.preventDefault();
        const next = neighbour(shapes, code, direction);
        if (next !== null)
          svg.current?.querySelector<SVGElement>(`[data-province="${CSS.escape(next)}"]`)?.focus();
      }
    },
  });
  const marked = shapes.find((s) => s.code === at);
  return (
    <div className={classes.frame}>
      <a className={classes.skip} href="#after-map">
        {t('readiness.skipMap')}
      </a>
      <svg
        ref={svg}
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        className={classes.map}
        role="group"
        aria-label={`${label}. ${t('readiness.mapHelp')}`}
        data-testid="nation-map"
      >
        <Patterns id={id} />
        {shapes.map((shape) => (
          <path
            key={shape.code}
            d={shape.path}
            fill={fill(shape.code)}
            className={classes.province}
            role="button"
            tabIndex={0}
            aria-label={say(shape.code)}
            data-province={shape.code}
            {...handle(shape.code)}
          />
        ))}
        {marked && <path d={marked.path} className={classes.marked} />}
        {boxes.map((box) => (
          <InsetBox
            key={box.name}
            box={box}
            fill={fill(box.code)}
            province={units.get(box.code)}
            said={say(box.code)}
            marked={at === box.code}
            handle={handle(box.code)}
          />
        ))}
      </svg>
      <div className={classes.beside}>
        <p className={classes.said} data-testid="map-said">
          {at === null ? t('readiness.mapHelp') : say(at)}
        </p>
        <Legend label={legend} />
      </div>
      <span id="after-map" tabIndex={-1} />
    </div>
  );
}
