import { Button } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useSearchParams } from 'react-router';
import { useErrorText } from '../parts/useErrorText';
import { codeOf } from '../protocol/failure';
import { imports, type Import } from './api';
import { DropFile } from './DropFile';
import classes from './import.module.css';
import { Mapping } from './Mapping';
import { Outcome } from './Outcome';
import { Questions } from './Questions';

const WORKING = ['checking', 'running'];
const POLL_MS = 400;

/** From a list to sites: file, columns, questions, run. The import stays in the address, so a reload keeps it. */
export default function ImportPage() {
  const { t } = useTranslation();
  const errorText = useErrorText();
  const queries = useQueryClient();
  const [search, setSearch] = useSearchParams();
  const [failed, setFailed] = useState<string | null>(null);
  const id = search.get('id');
  const job = useQuery({
    queryKey: ['import', id],
    queryFn: ({ signal }) => imports.get(id ?? '', signal),
    enabled: id !== null,
    refetchInterval: (query) => (WORKING.includes(query.state.data?.status ?? '') ? POLL_MS : false),
  });
  const show = (found: Import) => {
    queries.setQueryData(['import', found.id], found);
    if (found.id !== id) setSearch({ id: found.id });
  };
  const act = async (work: Promise<Import>) => {
    setFailed(null);
    // An answer that comes while another question is under way would show what was.
    await queries.cancelQueries({ queryKey: ['import', id] });
    try {
      show(await work);
    } catch (error) {
      setFailed(codeOf(error));
    }
  };
  const data = id === null ? undefined : job.data;
  return (
    <div className={classes.page}>
      <div className={classes.head}>
        <h1>{t('rollout.import.title')}</h1>
        {data && (
          <Button
            variant="default"
            onClick={() => {
              setFailed(null);
              setSearch({});
            }}
            data-testid="import-other"
          >
            {t('rollout.import.other')}
          </Button>
        )}
      </div>
      {failed && (
        <p role="alert" className={classes.alert}>
          {errorText(failed)}
        </p>
      )}
      {id !== null && job.isError && (
        <p role="alert" className={classes.alert}>
          {errorText(codeOf(job.error))}
        </p>
      )}
      {id !== null && job.isPending && <p role="status">{t('app.loading')}</p>}
      {(id === null || (job.isError && !data)) && <DropFile onOpened={show} />}
      {data && (
        <>
          <Mapping
            key={`${data.id} ${data.sheet}`}
            job={data}
            busy={WORKING.includes(data.status)}
            act={act}
          />
          {data.asked > 0 && <Questions job={data} busy={WORKING.includes(data.status)} act={act} />}
          <Outcome job={data} act={act} />
        </>
      )}
    </div>
  );
}
