import { useTranslation } from 'react-i18next';
import { Icon } from '../design/icons';
import { Mark } from '../design/marks';
import { standingOf } from '../models/floor';
import { useJoined, useLive, useName, useWall, useWallState } from './useScreen';
import classes from './wall.module.css';
import { TilePicture } from './WallTile';

/** Live tiles beside each other: each line has its place, so that none moves when another goes. */
export function LiveDock() {
  const { t } = useTranslation();
  const lines = useWallState((s) => s.lines);
  const used = lines.reduce((last, site, i) => (site === null ? last : i + 1), 0);
  const side = Math.max(1, Math.ceil(Math.sqrt(used)));
  return (
    <section
      className={classes.dock}
      aria-label={t('screens.views.live')}
      style={{ gridTemplateColumns: `repeat(${side}, minmax(0, 1fr))` }}
      data-testid="live-dock"
    >
      {used === 0 && <p className={classes.empty}>{t('screens.nothingLive')}</p>}
      {lines
        .slice(0, used)
        .map((site, line) =>
          site === null ? <div key={line} className={classes.hole} /> : <DockTile key={line} site={site} />,
        )}
    </section>
  );
}

function DockTile({ site }: { site: string }) {
  const { t } = useTranslation();
  const session = useWall();
  const { title, path } = useName(site);
  const joined = useJoined(site);
  const standing = useLive((s) => standingOf(s.state, site, joined));
  const pinned = useWallState((s) => s.layout.pins.includes(site));
  const full = path === '' ? title : `${title}, ${path}`;
  return (
    <figure
      className={classes.tile}
      data-standing={standing}
      data-testid="dock-tile"
      data-site={site}
      onDoubleClick={() => session.call(site)}
    >
      <TilePicture key={site} site={site} joined={joined} title={title} t={t} />
      <figcaption className={classes.caption} title={full}>
        <Mark name={standing} size={12} />
        <span>{full}</span>
        <button
          type="button"
          className={classes.pin}
          aria-pressed={pinned}
          aria-label={t(pinned ? 'screens.unpin' : 'screens.pin', { name: title })}
          onClick={() => session.pin(site)}
        >
          <Icon name="pin" size={14} />
        </button>
      </figcaption>
    </figure>
  );
}
