import { Button } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useNavigate } from 'react-router';
import { useErrorText } from '../parts/useErrorText';
import { codeOf } from '../protocol/failure';
import { inspections } from './api';

/** One press: the asker's command centre, made and opened if there is none. */
export function CentreButton({ may }: { may: readonly string[] }) {
  const { t } = useTranslation();
  const errorText = useErrorText();
  const navigate = useNavigate();
  const [busy, setBusy] = useState(false);
  const [failed, setFailed] = useState<string | null>(null);
  if (!may.includes('call.start')) return null;
  const open = async () => {
    setBusy(true);
    setFailed(null);
    try {
      const centre = await inspections.centre();
      await navigate(`/trung-tam/${encodeURIComponent(centre.id)}`);
    } catch (error) {
      setFailed(codeOf(error));
    } finally {
      setBusy(false);
    }
  };
  return (
    <>
      {failed !== null && <span role="alert">{errorText(failed)}</span>}
      <Button loading={busy} onClick={() => void open()} data-testid="open-centre">
        {t('inspections.centre')}
      </Button>
    </>
  );
}
