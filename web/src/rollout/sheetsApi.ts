import { http } from '../http';
import type { components } from '../protocol/openapi';

type Schemas = components['schemas'];
export type SheetsJob = Schemas['SheetsJob'];
export type DeviceList = Schemas['DeviceList'];
export type DeviceRow = Schemas['DeviceRow'];

export interface Wanted {
  unit?: string;
  sites?: string[];
  days: number;
  hotline: string;
  only_new: boolean;
}

export const begin = (wanted: Wanted) => http.json<SheetsJob>('POST', '/rollout/sheets', wanted);
export const progress = (job: string) => http.json<SheetsJob>('GET', `/rollout/sheets/${job}`);
export const cancel = (job: string) => http.json<SheetsJob>('DELETE', `/rollout/sheets/${job}`);
export const fileOf = (job: string) => `/api/v1/rollout/sheets/${job}/file`;

export const devices = (unit: string, q: string, after: string | null, signal?: AbortSignal) => {
  const query = new URLSearchParams({ unit, q, ...(after === null ? {} : { after }) });
  return http.json<DeviceList>('GET', `/rollout/devices?${query.toString()}`, undefined, signal);
};

export const revoke = (site: string, device: boolean) =>
  http.json<{ revoked: number }>('POST', '/rollout/codes/revoke', { sites: [site], devices: device });
