import { useTranslation } from 'react-i18next';
import classes from './map.module.css';
import type { Inset } from './shapes';

/** An archipelago, its name and whose it is; a button where `handle` makes it one. */
export function InsetBox({
  box,
  fill,
  province,
  said,
  marked = false,
  handle,
}: {
  box: Inset;
  fill: string;
  province: { kind: string; name: string } | undefined;
  said?: string;
  marked?: boolean;
  handle?: React.SVGProps<SVGGElement>;
}) {
  const { t } = useTranslation();
  const name = t(`readiness.${box.name}`);
  const belongs = province ? `${province.kind} ${province.name}` : '';
  return (
    <g
      className={classes.inset}
      {...(handle ? { role: 'button', tabIndex: 0, 'aria-label': `${name}, ${said ?? ''}`, ...handle } : {})}
      data-inset={box.name}
      data-marked={marked}
    >
      <rect x={box.x} y={box.y} width={box.width} height={box.height} rx="6" className={classes.box} />
      {box.islands.map((island, i) => (
        <g key={i}>
          <circle cx={island.x} cy={island.y} r="5.5" fill={fill} className={classes.island} />
          <path d={island.path} fill={fill} />
        </g>
      ))}
      <text x={box.x + box.width / 2} y={box.y + box.height - 34} textAnchor="middle">
        {name}
      </text>
      <text
        x={box.x + box.width / 2}
        y={box.y + box.height - 12}
        textAnchor="middle"
        className={classes.belongs}
      >
        ({belongs})
      </text>
    </g>
  );
}
