import { http } from '../http';
import type { components } from '../protocol/openapi';

type Schemas = components['schemas'];

export type Import = Schemas['Import'];
export type ImportQuestion = Schemas['ImportQuestion'];
export type ImportField = NonNullable<Schemas['ImportColumn']['field']>;
export type PersonShown = Schemas['PersonShown'];
export type GrantSeen = Schemas['GrantSeen'];
export type RoleName = Schemas['GrantGiven']['role'];

const at = (id: string, what = '') => `/imports/${encodeURIComponent(id)}${what}`;

/** Imports, as docs/protocol.md says. All raise Failure. */
export const imports = {
  open: async (file: File): Promise<Import> => {
    const query = new URLSearchParams({ name: file.name });
    const answer = await http.send('POST', `/imports?${query.toString()}`, file, 'application/octet-stream');
    return (await answer.json()) as Import;
  },
  get: (id: string, signal?: AbortSignal) => http.json<Import>('GET', at(id), undefined, signal),
  map: (id: string, mapping: Schemas['ImportMapping']) =>
    http.json<Import>('PUT', at(id, '/mapping'), mapping),
  answer: (id: string, answers: Record<string, string | null>) =>
    http.json<Import>('PUT', at(id, '/answers'), { answers }),
  run: (id: string) => http.json<Import>('POST', at(id, '/run')),
  stop: (id: string) => http.json<Import>('POST', at(id, '/stop')),
  rejected: (id: string, format: 'xlsx' | 'csv') => `/api/v1${at(id, '/rejected')}?format=${format}`,
  sites: (format: 'xlsx' | 'csv') => `/api/v1/exports/sites?format=${format}`,
};

const person = (id: string, what: string) => `/people/${encodeURIComponent(id)}/${what}`;

/** Delegated people. All raise Failure. */
export const people = {
  list: (q: string, after: string | null, signal?: AbortSignal) => {
    const query = new URLSearchParams({ q, limit: '100', ...(after === null ? {} : { after }) });
    return http.json<Schemas['PersonList']>('GET', `/people?${query.toString()}`, undefined, signal);
  },
  roles: async (unit: string, signal?: AbortSignal): Promise<RoleName[]> => {
    const query = new URLSearchParams({ unit });
    const answer = await http.json<Schemas['RolesGiven']>(
      'GET',
      `/people/roles?${query.toString()}`,
      undefined,
      signal,
    );
    return answer.roles;
  },
  add: (wanted: Schemas['NewPerson']) => http.json<Schemas['PersonMade']>('POST', '/people', wanted),
  grant: (id: string, grants: Schemas['GrantGiven'][]) =>
    http.json<PersonShown>('PUT', person(id, 'grants'), { grants }),
  password: (id: string) => http.json<Schemas['PersonMade']>('PUT', person(id, 'password')),
  disable: (id: string) => http.json<PersonShown>('PUT', person(id, 'disabled')),
  enable: (id: string) => http.json<PersonShown>('DELETE', person(id, 'disabled')),
};
