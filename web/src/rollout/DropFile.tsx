import { Button, FileButton } from '@mantine/core';
import { useState, type DragEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { vi } from '../i18n/vi';
import { useErrorText } from '../parts/useErrorText';
import { codeOf, Failure } from '../protocol/failure';
import { imports, type Import } from './api';
import classes from './import.module.css';

type BadSheet = keyof typeof vi.rollout.badSheet;
const isKnown = (reason: string): reason is BadSheet => reason in vi.rollout.badSheet;

/** Where a list is dropped or chosen; beside it the way out for the present one. */
export function DropFile({ onOpened }: { onOpened: (job: Import) => void }) {
  const { t } = useTranslation();
  const errorText = useErrorText();
  const [over, setOver] = useState(false);
  const [busy, setBusy] = useState(false);
  const [failed, setFailed] = useState<string | null>(null);
  const open = async (file: File | null) => {
    if (file === null || busy) return;
    setBusy(true);
    setFailed(null);
    try {
      onOpened(await imports.open(file));
    } catch (error) {
      const reason = error instanceof Failure ? error.reason : null;
      const code = codeOf(error);
      if (code === 'too_large') setFailed(t('rollout.badSheet.too_large'));
      else setFailed(reason !== null && isKnown(reason) ? t(`rollout.badSheet.${reason}`) : errorText(code));
    } finally {
      setBusy(false);
    }
  };
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    void open(event.dataTransfer.files[0] ?? null);
  };
  return (
    <>
      <div
        className={classes.drop}
        data-over={over || undefined}
        onDragOver={(event) => {
          event.preventDefault();
          setOver(true);
        }}
        onDragLeave={() => setOver(false)}
        onDrop={drop}
      >
        <svg
          width="48"
          height="48"
          viewBox="0 0 48 48"
          fill="none"
          stroke="currentColor"
          strokeWidth="2"
          aria-hidden
        >
          <path d="M12 5h16l10 10v28H12zM28 5v10h10M18 24h14M18 30h14M18 36h14M24 24v12" />
        </svg>
        <p>{t('rollout.import.drop')}</p>
        <FileButton
          onChange={(file) => void open(file)}
          accept=".xlsx,.csv,.txt,.tsv,text/csv,application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
          inputProps={{ 'aria-label': t('rollout.import.choose'), tabIndex: -1 }}
        >
          {(props) => (
            <Button {...props} size="md" loading={busy} data-testid="import-choose">
              {t('rollout.import.choose')}
            </Button>
          )}
        </FileButton>
        <p className={classes.hint}>{t('rollout.import.kinds')}</p>
        {busy && <p role="status">{t('rollout.import.reading')}</p>}
        {failed && (
          <p role="alert" className={classes.alert} data-testid="import-failed">
            {failed}
          </p>
        )}
      </div>
      <section className={classes.export}>
        <h2>{t('rollout.import.export')}</h2>
        <p className={classes.hint}>{t('rollout.import.exportHint')}</p>
        <div className={classes.row}>
          {(['xlsx', 'csv'] as const).map((format) => (
            <Button key={format} component="a" href={imports.sites(format)} download variant="default">
              .{format}
            </Button>
          ))}
        </div>
      </section>
    </>
  );
}
