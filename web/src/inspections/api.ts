import { http } from '../http';
import type { components } from '../protocol/openapi';

type Schemas = components['schemas'];

/** Calls and inspections, as docs/protocol.md says. All raise Failure. */
export const inspections = {
  centre: (unit?: string) => http.json<Schemas['Meeting']>('POST', '/centres', { unit: unit ?? null }),
};
