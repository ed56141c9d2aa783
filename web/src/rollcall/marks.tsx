import { useTranslation } from 'react-i18next';
import { Mark } from '../design/marks';
import { formatExact, formatShare, relativeAge } from '../i18n/format';
import { useNow } from '../parts/useNow';
import type { RollChange, RollReason, RollRow } from '../protocol/types';
import classes from './rollcall.module.css';
import { useFacets } from './useRollCall';

/** A tick, a cross, a dash: what is said, told by shape and word. */
export function SaysMark({ says }: { says: RollRow['says'] }) {
  const { t } = useTranslation();
  return (
    <span className={classes.says} data-says={says ?? 'unsaid'}>
      <svg width={16} height={16} viewBox="0 0 16 16" aria-hidden="true">
        {says === 'present' && <path d="M2 8.5l4 4 8-9" />}
        {says === 'absent' && <path d="M3 3l10 10M13 3L3 13" />}
        {says === null && <path d="M4 8h8" strokeDasharray="1 3.4" />}
      </svg>
      {t(`rollcall.says.${says ?? 'unsaid'}`)}
    </span>
  );
}

export function useReasonText(): (code: string | null, text: string) => string {
  const { i18n } = useTranslation();
  const reasons = useFacets((s) => s.reasons);
  return (code, text) => {
    const found: RollReason | undefined = reasons.find((one) => one.code === code);
    const words = found === undefined ? (code ?? '') : i18n.language === 'en' ? found.en : found.vi;
    return [words, text].filter(Boolean).join(': ');
  };
}

/** What the machine knows of a site, each with its age: nothing is green without it. */
export function Evidence({ row }: { row: RollChange }) {
  const { t } = useTranslation();
  const now = useNow();
  const age = (at: string) => relativeAge(t, Math.max(0, now - Date.parse(at)));
  const exact = (at: string | null) => (at === null ? undefined : formatExact(Date.parse(at)));
  return (
    <span className={classes.evidence}>
      <span
        className={classes.connected}
        data-in={row.connected}
        title={exact(row.connected ? row.since : row.left_at)}
      >
        <Mark name={row.connected ? 'joined' : row.left_at === null ? 'never' : 'offline'} silent size={12} />
        {row.connected
          ? t('rollcall.evidence.in', { share: formatShare(Math.round(row.share * 100) / 100) })
          : row.left_at === null
            ? t('rollcall.evidence.never')
            : t('rollcall.evidence.left', { age: age(row.left_at) })}
      </span>
      <span title={exact(row.seen_at)} data-known={row.seen_at !== null}>
        {row.seen_at === null
          ? t('rollcall.evidence.unseen')
          : t('rollcall.evidence.seen', { age: age(row.seen_at) })}
      </span>
      <span
        title={exact(row.heard_at ?? row.tested_at)}
        data-known={(row.heard_at ?? row.tested_at) !== null}
      >
        {row.heard_at !== null
          ? t('rollcall.evidence.heard', { age: age(row.heard_at) })
          : row.tested_at !== null
            ? t('rollcall.evidence.tested', { age: age(row.tested_at) })
            : t('rollcall.evidence.unheard')}
      </span>
      {row.got > 0 && (
        <span data-known={row.answered > 0}>
          {t('rollcall.evidence.acked', { answered: row.answered, got: row.got })}
        </span>
      )}
    </span>
  );
}

/** What does not fit: triangle and words. */
export function Mismatch({
  codes,
}: {
  codes: readonly (RollRow['contradictions'][number] | 'confirmed_unsaid' | 'changed_after')[];
}) {
  const { t } = useTranslation();
  if (codes.length === 0) return null;
  return (
    <span className={classes.mismatch}>
      <Mark name="incident" silent size={12} />
      {codes.map((code) => t(`rollcall.contradiction.${code}`)).join('; ')}
    </span>
  );
}
