import { useId, useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { formatNumber } from '../../i18n/format';
import { readyOf, shareClass } from '../../models/readiness';
import type { ReadinessUnit } from '../../protocol/types';
import classes from './map.module.css';
import { fillOf, Patterns } from './Patterns';
import { InsetBox } from './InsetBox';
import { alone, insets } from './shapes';

const WIDTH = 640;
const HEIGHT = 480;

/** A province with its communes as points, where the dataset knows their points. The grid below it has the keys. */
export function PointMap({
  dataset,
  province,
  units,
  onOpen,
}: {
  dataset: string;
  province: ReadinessUnit;
  units: readonly ReadinessUnit[];
  onOpen: (code: string) => void;
}) {
  const { t } = useTranslation();
  const id = useId();
  const inset = useMemo(() => insets().find((box) => box.code === province.code), [province.code]);
  const shape = useMemo(
    () => alone(dataset, province.code, inset ? WIDTH - inset.width : WIDTH, HEIGHT),
    [dataset, province.code, inset],
  );
  const points = units.flatMap((unit) => {
    const at = unit.lat === null || unit.lon === null ? null : shape?.at(unit.lon, unit.lat);
    return at ? [{ unit, x: at[0], y: at[1] }] : [];
  });
  if (!shape || points.length === 0) return null;
  return (
    <svg
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      className={classes.points}
      aria-hidden="true"
      data-testid="point-map"
    >
      <Patterns id={id} />
      <path d={shape.path} className={classes.ground} />
      {points.map(({ unit, x, y }) => (
        <circle
          key={unit.code}
          cx={x}
          cy={y}
          r="7"
          fill={fillOf(id, shareClass(unit.counts))}
          className={classes.point}
          onClick={() => onOpen(unit.code)}
        >
          <title>
            {t('readiness.of', {
              name: `${unit.kind} ${unit.name}`,
              ready: formatNumber(readyOf(unit.counts)),
              total: formatNumber(unit.counts.total),
            })}
          </title>
        </circle>
      ))}
      {inset && (
        <g
          transform={`translate(${WIDTH - 2 - inset.x - inset.width} ${HEIGHT - 2 - inset.y - inset.height})`}
        >
          <InsetBox box={inset} fill={fillOf(id, shareClass(province.counts))} province={province} />
        </g>
      )}
    </svg>
  );
}
