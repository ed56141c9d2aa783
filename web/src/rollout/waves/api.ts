import { http } from '../../http';
import type { components } from '../../protocol/openapi';

type Schemas = components['schemas'];
export type Wave = Schemas['Wave'];
export type WaveList = Schemas['WaveList'];
export type WaveDetails = Schemas['WaveDetails'];
export type PlanWanted = Schemas['PlanWanted'];
export type PlanPreview = Schemas['PlanPreview'];
export type Sending = Schemas['Sending'];
export type Reminder = Schemas['Reminder'];
export type Message = Schemas['Message'];
export type MessagePreview = Schemas['MessagePreview'];
export type MessageWanted = Schemas['MessagePreviewWanted'];
export type Templates = Schemas['Templates'];
export type SiteDetails = Schemas['SiteDetails'];

const at = (wave: string, what = '') => `/waves/${encodeURIComponent(wave)}${what}`;
const json = 'application/json';

/** Waves, as docs/protocol.md says. All raise Failure. */
export const waves = {
  list: (signal?: AbortSignal) => http.json<WaveList>('GET', '/waves', undefined, signal),
  templates: () => http.json<Templates>('GET', '/waves/templates'),
  preview: (wanted: PlanWanted, signal?: AbortSignal) =>
    http.json<PlanPreview>('POST', '/waves/preview', wanted, signal),
  plan: (wanted: PlanWanted) => http.json<Schemas['WavesMade']>('POST', '/waves', wanted),
  get: (wave: string, signal?: AbortSignal) => http.json<WaveDetails>('GET', at(wave), undefined, signal),
  change: (wave: string, change: Schemas['WaveChange']) => http.json<Wave>('PATCH', at(wave), change),
  remove: async (wave: string): Promise<void> => {
    await http.send('DELETE', at(wave), null, json);
  },
  look: (wave: string, wanted: MessageWanted, signal?: AbortSignal) =>
    http.json<MessagePreview>('POST', at(wave, '/messages/preview'), wanted, signal),
  send: (wave: string, wanted: Schemas['LettersWanted']) =>
    http.json<Sending>('POST', at(wave, '/messages'), wanted),
  sms: async (wave: string, wanted: Schemas['TextsWanted']): Promise<Blob> =>
    (await http.send('POST', at(wave, '/sms'), JSON.stringify(wanted), json)).blob(),
  messages: async (sending: string, signal?: AbortSignal): Promise<Message[]> => {
    const path = `/waves/sendings/${encodeURIComponent(sending)}`;
    return (await http.json<Schemas['MessageList']>('GET', path, undefined, signal)).messages;
  },
  set: (sending: string, what: 'stop' | 'resume' | 'retry' | 'retry-all') =>
    http.json<Sending>('POST', `/waves/sendings/${encodeURIComponent(sending)}/${what}`),
  planReminder: (wave: string, wanted: Schemas['ReminderWanted']) =>
    http.json<Reminder>('POST', at(wave, '/reminders'), wanted),
  dropReminder: async (wave: string, reminder: string): Promise<void> => {
    await http.send('DELETE', at(wave, `/reminders/${encodeURIComponent(reminder)}`), null, json);
  },
};

const site = (id: string, what = '') => `/sites/${encodeURIComponent(id)}${what}`;

/** How a site is reached, for those who may change it. All raise Failure. */
export const contacts = {
  get: (id: string, signal?: AbortSignal) =>
    http.json<SiteDetails>('GET', site(id, '/details'), undefined, signal),
  set: (id: string, phones: string[], emails: string[]) =>
    http.json<SiteDetails>('PATCH', site(id), { phones, emails }),
};
