import { titleOf, type Roster, type SiteNode, type UnitNode } from '../roster';

/** Sites of one unit, under one heading. `unit` null: sites whose unit the roster does not name. */
export interface WallGroup {
  unit: UnitNode | null;
  key: string;
  title: string;
  sites: readonly string[];
}

/**
 * The tiles of a wall in their places. It is made by an act of the operator and then stands: who comes or goes changes what
 * a tile shows, never where it is.
 */
export interface WallOrder {
  groups: readonly WallGroup[];
  sites: readonly string[];
  /** Place of each site in `sites`. */
  place: ReadonlyMap<string, number>;
}

export type Fits = (site: SiteNode) => boolean;

/** The wall of a subtree (null: everything) with the sites that fit, in the order of the tree. */
export function orderOf(roster: Roster, code: string | null, fits: Fits): WallOrder {
  const groups: WallGroup[] = [];
  const add = (unit: UnitNode | null, key: string, ids: readonly string[]) => {
    const sites = ids.filter((id) => {
      const site = roster.sites.get(id);
      return site !== undefined && fits(site);
    });
    if (sites.length > 0) groups.push({ unit, key, title: unit === null ? '' : titleOf(unit), sites });
  };
  const chosen = code === null ? null : (roster.units.get(code) ?? null);
  for (const root of chosen === null ? roster.roots : [chosen]) {
    if (!isDivided(root)) {
      add(root, root.code, roster.sitesUnder(root.code));
      continue;
    }
    add(
      root,
      `${root.code}.`,
      root.sites.map((site) => site.id),
    );
    for (const unit of root.units) add(unit, unit.code, roster.sitesUnder(unit.code));
  }
  if (chosen === null)
    add(
      null,
      'loose',
      roster.loose.map((site) => site.id),
    );
  const sites = groups.flatMap((group) => group.sites);
  return { groups, sites, place: new Map(sites.map((site, i) => [site, i])) };
}

/** Whether a unit's children get headings of their own: not communes of one site each. */
function isDivided(unit: UnitNode): boolean {
  return unit.level === 'nation' || unit.units.some((child) => child.units.length > 0);
}

/** What the wall would be now against what it is: how many tiles would come and go. */
export function driftOf(shown: WallOrder, now: WallOrder): { added: number; gone: number } {
  let added = 0;
  for (const site of now.sites) if (!shown.place.has(site)) added += 1;
  return { added, gone: shown.sites.length - (now.sites.length - added) };
}
