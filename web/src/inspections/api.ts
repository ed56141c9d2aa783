import { http } from '../http';
import type { Standing } from '../models/asked';
import type { components } from '../protocol/openapi';

type Schemas = components['schemas'];

export type Inspection = Schemas['InspectionSeen'];
export type InspectionDetails = Schemas['InspectionDetails'];
export type Finding = Schemas['FindingSeen'];
export type Severity = Finding['severity'];
export type Coverage = Schemas['CoverageAnswer'];
export type Covered = Schemas['Covered'];
export type Draw = Schemas['Draw'];
export type Sighting = Schemas['Sighting'];

const query = (of: Record<string, string | null | undefined>): string => {
  const params = new URLSearchParams();
  for (const [key, value] of Object.entries(of)) if (value != null) params.set(key, value);
  return params.toString();
};
const at = (id: string, what = '') => `/inspections/${encodeURIComponent(id)}${what}`;

/** What is asked for, its days as days. */
export interface Narrowed {
  unit?: string | null | undefined;
  since?: string | null;
  until?: string | null;
  text?: string;
}
const narrowed = ({ unit, since, until, text }: Narrowed) => ({
  unit,
  since,
  until,
  text: text === '' ? null : text,
});
const wanted = (standing: Standing) => ({
  open: standing === 'all' ? null : 'true',
  overdue: standing === 'overdue' ? 'true' : null,
});

/** Calls and inspections, as docs/protocol.md says. All raise Failure. */
export const inspections = {
  centre: (unit?: string) => http.json<Schemas['Meeting']>('POST', '/centres', { unit: unit ?? null }),
  list: (of: Narrowed, after: string | null, signal?: AbortSignal) =>
    http.json<Schemas['InspectionList']>(
      'GET',
      `/inspections?${query({ ...narrowed(of), after })}`,
      undefined,
      signal,
    ),
  get: (id: string, signal?: AbortSignal) => http.json<InspectionDetails>('GET', at(id), undefined, signal),
  change: (id: string, change: Schemas['InspectionChange']) =>
    http.json<InspectionDetails>('PATCH', at(id), change),
  picture: (id: string) => `/api/v1${at(id, '/picture')}`,
  find: (id: string, finding: Schemas['FindingGiven']) =>
    http.json<Finding>('POST', at(id, '/findings'), finding),
  findings: (of: Narrowed, standing: Standing, after: string | null, signal?: AbortSignal) =>
    http.json<Schemas['FindingList']>(
      'GET',
      `/findings?${query({ ...narrowed(of), after, ...wanted(standing) })}`,
      undefined,
      signal,
    ),
  findingsFile: (of: Narrowed, standing: Standing) =>
    `/api/v1/findings.xlsx?${query({ ...narrowed(of), ...wanted(standing) })}`,
  close: (finding: string, inspection: string, closing: string) =>
    http.json<Finding>('POST', `/findings/${encodeURIComponent(finding)}/close`, { inspection, closing }),
  coverage: (unit: string | null, since: string | null, signal?: AbortSignal) =>
    http.json<Coverage>('GET', `/inspections/coverage?${query({ unit, since })}`, undefined, signal),
  draw: (wantedDraw: Schemas['DrawWanted']) => http.json<Draw>('POST', '/draws', wantedDraw),
  sightings: (site: string, signal?: AbortSignal) =>
    http.json<Schemas['SightingList']>(
      'GET',
      `/sites/${encodeURIComponent(site)}/sightings`,
      undefined,
      signal,
    ),
};
