/** Which inspections are asked for: what the address says, so that it can be sent to somebody. */

export const PERIODS = ['all', 'today', 'week', 'month', 'own'] as const;
export type Period = (typeof PERIODS)[number];
export const STANDINGS = ['open', 'overdue', 'all'] as const;
/** What has become of a finding. */
export type Standing = (typeof STANDINGS)[number];

export interface Asked {
  period: Period;
  /** The first and the last day, both included, of a period of one's own: "2021-09-05"; null: no end on this side. */
  since: string | null;
  until: string | null;
  /** Code of the unit whose subtree is meant. */
  unit: string | null;
  text: string;
  standing: Standing;
}

export const NOTHING_ASKED: Asked = {
  period: 'all',
  since: null,
  until: null,
  unit: null,
  text: '',
  standing: 'open',
};

const WORDS: Record<Exclude<Period, 'all'>, string> = {
  today: 'hom-nay',
  week: '7',
  month: '30',
  own: 'tu-chon',
};
const SINCE_DAYS = { today: 0, week: 6, month: 29 } as const;
const DAY_MS = 86_400_000;
const MAX_TEXT = 200;
const MAX_CODE = 16;

/** A day that is one, as an address or an input may hold it. */
export function dayOf(text: string | null): string | null {
  if (text === null || !/^\d{4}-\d{2}-\d{2}$/.test(text)) return null;
  const at = Date.parse(`${text}T00:00:00Z`);
  // A 31st of February is read as one of March.
  if (Number.isNaN(at) || new Date(at).toISOString().slice(0, 10) !== text) return null;
  // Of a year that is being typed the first digits are a year, too.
  return text < '1900' ? null : text;
}

/** What an address asks for; whatever else stands there is nothing. */
export function readAsked(params: URLSearchParams): Asked {
  const word = params.get('ky');
  const period = PERIODS.find((one) => one !== 'all' && WORDS[one] === word) ?? 'all';
  const own = period === 'own';
  const standing = STANDINGS.find((one) => one === params.get('loc')) ?? NOTHING_ASKED.standing;
  const unit = params.get('don-vi');
  return {
    period,
    since: own ? dayOf(params.get('tu')) : null,
    until: own ? dayOf(params.get('den')) : null,
    unit: unit === null || unit === '' || unit.length > MAX_CODE ? null : unit,
    text: (params.get('tim') ?? '').slice(0, MAX_TEXT),
    standing,
  };
}

/** The address that asks for this; what is usual is left out, what else it says stays. */
export function writeAsked(before: URLSearchParams, asked: Asked): URLSearchParams {
  const params = new URLSearchParams(before);
  const put = (key: string, value: string | null) =>
    value === null || value === '' ? params.delete(key) : params.set(key, value);
  const own = asked.period === 'own';
  put('ky', asked.period === 'all' ? null : WORDS[asked.period]);
  put('tu', own ? asked.since : null);
  put('den', own ? asked.until : null);
  put('don-vi', asked.unit);
  put('tim', asked.text.slice(0, MAX_TEXT));
  put('loc', asked.standing === NOTHING_ASKED.standing ? null : asked.standing);
  return params;
}

/** The first and the last day that are meant, both included. `today`: in Vietnam, "2021-09-05". */
export function daysOf(asked: Asked, today: string): { since: string | null; until: string | null } {
  if (asked.period === 'all') return { since: null, until: null };
  if (asked.period === 'own') {
    const { since, until } = asked;
    // The wrong way round is still meant.
    return since !== null && until !== null && until < since
      ? { since: until, until: since }
      : { since, until };
  }
  const first = Date.parse(`${today}T00:00:00Z`) - SINCE_DAYS[asked.period] * DAY_MS;
  return { since: new Date(first).toISOString().slice(0, 10), until: null };
}

/** Whether it leaves anything out that could be there, beside what has become of it. */
export const narrows = (asked: Asked): boolean =>
  asked.unit !== null ||
  asked.text.trim() !== '' ||
  (asked.period === 'own' ? asked.since !== null || asked.until !== null : asked.period !== 'all');
