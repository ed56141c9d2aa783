import { createStore, type StoreApi } from 'zustand/vanilla';
import type { Level, RosterAnswer, SiteKind } from '../protocol/types';
import { fold } from './fold';

export interface SiteNode {
  kind: 'site';
  id: string;
  label: string;
  siteKind: SiteKind;
  unit: UnitNode | null;
  folded: string;
  joined: boolean;
}

export interface UnitNode {
  kind: 'unit';
  code: string;
  name: string;
  unitKind: string;
  level: Level;
  parent: UnitNode | null;
  units: UnitNode[];
  sites: SiteNode[];
  folded: string;
  foldedName: string;
  /** Of the whole subtree: who should come and who is in; `size` counts feeds too. */
  invited: number;
  joined: number;
  size: number;
}

export interface Row {
  key: string;
  depth: number;
  node: UnitNode | SiteNode;
  expanded: boolean;
}

export interface Found {
  sites: SiteNode[];
  total: number;
  /** The one site that Enter may act on: an ambiguous name never acts by itself. */
  certain: SiteNode | null;
}

const collator = new Intl.Collator('vi');
const SHOWN = 200;

/**
 * Everyone invited, as a tree of any depth. Built once (10,000 sites in some tens of ms); a site that comes or goes costs
 * its depth. `version` rises with every change, so that a view reads the tree only when it has to.
 */
export class Roster {
  readonly version: StoreApi<{ version: number }> = createStore(() => ({ version: 0 }));
  readonly sites = new Map<string, SiteNode>();
  readonly units = new Map<string, UnitNode>();
  readonly roots: UnitNode[] = [];
  /** Sites whose unit the answer does not name. */
  readonly loose: SiteNode[] = [];
  joined = 0;
  invited = 0;
  private readonly expandedCodes = new Set<string>();
  /** Who is in, as the presence stream says it; null before its first word. It may come before the list does. */
  private present: Set<string> | null = null;
  private told = true;

  /** `later` runs a function soon: in a join storm, one look at 10,000 rows is enough for many arrivals. */
  constructor(private readonly later: (run: () => void) => void = (run) => run()) {}

  load(answer: RosterAnswer): void {
    this.sites.clear();
    this.units.clear();
    this.roots.length = 0;
    this.loose.length = 0;
    this.joined = 0;
    this.invited = 0;
    for (const [code, , name, unitKind, level] of answer.units) {
      this.units.set(code, {
        kind: 'unit',
        code,
        name,
        unitKind,
        level,
        parent: null,
        units: [],
        sites: [],
        folded: fold(`${unitKind} ${name}`),
        foldedName: fold(name),
        invited: 0,
        joined: 0,
        size: 0,
      });
    }
    for (const [code, parentCode] of answer.units) {
      const unit = this.units.get(code);
      const parent = parentCode === null ? undefined : this.units.get(parentCode);
      if (!unit) continue;
      if (parent && parent !== unit) {
        unit.parent = parent;
        parent.units.push(unit);
      } else this.roots.push(unit);
    }
    for (const [id, code, label, siteKind] of answer.sites) {
      const unit = this.units.get(code) ?? null;
      const site: SiteNode = { kind: 'site', id, label, siteKind, unit, folded: fold(label), joined: false };
      this.sites.set(id, site);
      if (unit) unit.sites.push(site);
      else this.loose.push(site);
      const step = isCounted(site) ? 1 : 0;
      this.invited += step;
      for (const u of ancestors(site)) {
        u.invited += step;
        u.size += 1;
      }
    }
    const byName = (a: UnitNode, b: UnitNode) => collator.compare(a.name, b.name);
    this.roots.sort(byName);
    for (const unit of this.units.values()) {
      unit.units.sort(byName);
      unit.sites.sort((a, b) => collator.compare(a.label, b.label));
    }
    if (this.expandedCodes.size === 0) for (const root of this.roots) this.expandedCodes.add(root.code);
    const present = this.present ?? new Set(answer.joined);
    for (const site of this.sites.values()) this.set(site, present.has(site.id));
    this.changed();
  }

  /** `full`: these are all who are in. */
  presence(joined: readonly string[], left: readonly string[], full: boolean): void {
    if (full) {
      this.present = new Set(joined);
      for (const site of this.sites.values()) this.set(site, this.present.has(site.id));
    } else {
      for (const id of left) this.present?.delete(id);
      for (const id of joined) this.present?.add(id);
      for (const id of left) this.set(this.sites.get(id), false);
      for (const id of joined) this.set(this.sites.get(id), true);
    }
    this.changed();
  }

  private set(site: SiteNode | undefined, joined: boolean): void {
    if (!site || site.joined === joined) return;
    site.joined = joined;
    if (!isCounted(site)) return;
    const step = joined ? 1 : -1;
    this.joined += step;
    for (const unit of ancestors(site)) unit.joined += step;
  }

  isExpanded(code: string): boolean {
    return this.expandedCodes.has(code);
  }

  expand(code: string, expanded: boolean): void {
    if (expanded) this.expandedCodes.add(code);
    else this.expandedCodes.delete(code);
    this.tell();
  }

  /** Opens every unit above a site, so that its row exists. */
  reveal(id: string): void {
    const site = this.sites.get(id);
    if (!site) return;
    for (const unit of ancestors(site)) this.expandedCodes.add(unit.code);
    this.tell();
  }

  /** Rows as shown: open units with what is in them. A unit that is one site only is that site's row. */
  rows(): Row[] {
    const rows: Row[] = [];
    const walk = (unit: UnitNode, depth: number): void => {
      if (unit.size === 0) return;
      const [only] = unit.sites;
      if (only && unit.sites.length === 1 && unit.size === 1) {
        rows.push({ key: only.id, depth, node: only, expanded: false });
        return;
      }
      const expanded = this.expandedCodes.has(unit.code);
      rows.push({ key: unit.code, depth, node: unit, expanded });
      if (!expanded) return;
      for (const site of unit.sites)
        rows.push({ key: site.id, depth: depth + 1, node: site, expanded: false });
      for (const child of unit.units) walk(child, depth + 1);
    };
    for (const root of this.roots) walk(root, 0);
    for (const site of this.loose) rows.push({ key: site.id, depth: 0, node: site, expanded: false });
    return rows;
  }

  /** Sites by name without diacritics, by the names above them, by unit code or by id: best first. */
  search(query: string): Found {
    const q = fold(query);
    if (q === '') return { sites: [], total: 0, certain: null };
    const words = q.split(' ');
    const hits: { site: SiteNode; rank: number }[] = [];
    for (const site of this.sites.values()) {
      const rank = rankOf(site, q, words);
      if (rank !== null) hits.push({ site, rank });
    }
    hits.sort((a, b) => a.rank - b.rank || collator.compare(a.site.label, b.site.label));
    const [first, second] = hits;
    const certain = first && (!second || (first.rank <= 1 && second.rank > first.rank)) ? first.site : null;
    return { sites: hits.slice(0, SHOWN).map((h) => h.site), total: hits.length, certain };
  }

  /** Ids of a subtree in tree order, at most `limit`. */
  sitesUnder(code: string, limit = Number.POSITIVE_INFINITY): string[] {
    const ids: string[] = [];
    const walk = (unit: UnitNode): void => {
      for (const site of unit.sites) if (ids.length < limit) ids.push(site.id);
      for (const child of unit.units) if (ids.length < limit) walk(child);
    };
    const unit = this.units.get(code);
    if (unit) walk(unit);
    return ids;
  }

  /** Every site in tree order, so that the wall and the tree agree. */
  allSites(): string[] {
    return [...this.roots.flatMap((root) => this.sitesUnder(root.code)), ...this.loose.map((s) => s.id)];
  }

  /** Invited and joined sites by the level of their unit, highest level first; nobody waits for a feed. */
  byLevel(): { level: Level; invited: number; joined: number }[] {
    const counts = new Map<Level, { invited: number; joined: number }>();
    for (const site of this.sites.values()) {
      if (!isCounted(site)) continue;
      const level = site.unit?.level ?? 'nation';
      const c = counts.get(level) ?? { invited: 0, joined: 0 };
      c.invited += 1;
      if (site.joined) c.joined += 1;
      counts.set(level, c);
    }
    const order: Level[] = ['nation', 'province', 'district', 'commune'];
    return order.flatMap((level) => {
      const c = counts.get(level);
      return c ? [{ level, ...c }] : [];
    });
  }

  /** The sites behind a figure of `byLevel`, or of all levels, in tree order. */
  counted(level: Level | null): { absent: SiteNode[]; present: SiteNode[] } {
    const absent: SiteNode[] = [];
    const present: SiteNode[] = [];
    for (const id of this.allSites()) {
      const site = this.sites.get(id);
      if (site && isCounted(site) && (level === null || (site.unit?.level ?? 'nation') === level))
        (site.joined ? present : absent).push(site);
    }
    return { absent, present };
  }

  /** Those of the sites that are invited, in tree order. */
  named(ids: readonly string[]): SiteNode[] {
    const wanted = new Set(ids);
    return this.allSites().flatMap((id) => (wanted.has(id) ? (this.sites.get(id) ?? []) : []));
  }

  private changed(): void {
    if (!this.told) return;
    this.told = false;
    this.later(() => {
      this.told = true;
      this.tell();
    });
  }

  private tell(): void {
    this.version.setState(({ version }) => ({ version: version + 1 }));
  }
}

/** Whether attendance counts it: nobody sits at a feed, so nobody is missed there. */
function isCounted(site: SiteNode): boolean {
  return site.siteKind !== 'feed';
}

function* ancestors(site: SiteNode): Generator<UnitNode> {
  for (let unit = site.unit; unit !== null; unit = unit.parent) yield unit;
}

/** The units above a site's own, nearest first, without the nation: `huyện Đồng Phú, tỉnh Bình Phước`. */
export function pathOf(site: SiteNode): string {
  const names: string[] = [];
  for (const unit of ancestors(site))
    if (unit.level !== 'nation' && unit !== site.unit) names.push(titleOf(unit));
  return names.join(', ');
}

/** Kind and name as running text: `xã Tân Lợi`. */
export function titleOf(unit: UnitNode): string {
  return unit.level === 'nation' ? unit.name : `${unit.unitKind} ${unit.name}`;
}

/** What a list calls a site: its unit where it is that unit's only one beside feeds, else its label. */
export function siteTitle(site: SiteNode): string {
  const { unit } = site;
  if (unit === null || unit.level === 'nation' || !isCounted(site)) return site.label;
  return unit.sites.some((other) => other !== site && isCounted(other)) ? site.label : titleOf(unit);
}

/** Whether a site is what somebody types: by name without diacritics, by the names above it, by code or id. */
export function isMeant(site: SiteNode, query: string): boolean {
  const q = fold(query);
  return q === '' || rankOf(site, q, q.split(' ')) !== null;
}

/** Whether what is typed is the whole code of its unit, or its id: nothing that only begins so is meant then. */
export function isNamed(site: SiteNode, query: string): boolean {
  const q = fold(query);
  return site.unit?.code === q || site.id === q;
}

/** 0: code or full name with what is above it; 1: the name; 2: starts with; 3: words of it; 4: of it and above it. */
function rankOf(site: SiteNode, q: string, words: string[]): number | null {
  if (isNamed(site, q)) return 0;
  const own = site.unit?.folded ?? '';
  const name = site.unit?.foldedName ?? site.folded;
  if (name === q || own === q || site.folded === q) return 1;
  if (name.startsWith(q) || own.startsWith(q)) return 2;
  const here = ` ${own} ${site.folded} ${site.unit?.code ?? ''}`;
  if (words.every((w) => here.includes(` ${w}`))) return 3;
  let above = here;
  for (let unit = site.unit?.parent ?? null; unit !== null; unit = unit.parent) above += ` ${unit.folded}`;
  return words.every((w) => above.includes(` ${w}`)) ? 4 : null;
}
