import { Button, Textarea } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { linesOf } from '../../models/waves';
import { Dialog } from '../../parts/Dialog';
import { useErrorText } from '../../parts/useErrorText';
import { codeOf } from '../../protocol/failure';
import { contacts, type SiteDetails } from './api';
import classes from './waves.module.css';

/** A site's phones and addresses, to be mended where one sees that they are wrong. */
export function ContactDialog({
  site,
  label,
  onClose,
}: {
  site: string;
  label: string;
  onClose: () => void;
}) {
  const { t } = useTranslation();
  const errorText = useErrorText();
  const found = useQuery({
    queryKey: ['site-details', site],
    queryFn: ({ signal }) => contacts.get(site, signal),
    staleTime: 0,
    gcTime: 0,
  });
  return (
    <Dialog opened onClose={onClose} title={t('waves.contactOf', { site: label })}>
      {found.isPending && <p role="status">{t('app.loading')}</p>}
      {found.isError && <p role="alert">{errorText(codeOf(found.error))}</p>}
      {found.data && <Form details={found.data} onClose={onClose} />}
    </Dialog>
  );
}

function Form({ details, onClose }: { details: SiteDetails; onClose: () => void }) {
  const { t } = useTranslation();
  const errorText = useErrorText();
  const queries = useQueryClient();
  const [phones, setPhones] = useState(details.phones.join('\n'));
  const [emails, setEmails] = useState(details.emails.join('\n'));
  const [failed, setFailed] = useState<string | null>(null);
  const save = async () => {
    try {
      await contacts.set(details.id, linesOf(phones), linesOf(emails));
      await queries.invalidateQueries({ queryKey: ['readiness-rows'] });
      onClose();
    } catch (error) {
      setFailed(codeOf(error));
    }
  };
  return (
    <form
      className={classes.form}
      onSubmit={(event) => {
        event.preventDefault();
        void save();
      }}
    >
      <Textarea
        label={t('waves.phones')}
        autosize
        minRows={2}
        maxRows={10}
        value={phones}
        onChange={(event) => setPhones(event.currentTarget.value)}
      />
      <Textarea
        label={t('waves.emails')}
        autosize
        minRows={2}
        maxRows={5}
        value={emails}
        onChange={(event) => setEmails(event.currentTarget.value)}
        data-testid="contact-emails"
      />
      {failed !== null && <p role="alert">{errorText(failed)}</p>}
      <Button type="submit" data-testid="contact-save">
        {t('waves.save')}
      </Button>
    </form>
  );
}
