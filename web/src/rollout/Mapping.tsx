import { Button, NativeSelect, NumberInput } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { vi } from '../i18n/vi';
import { imports, type Import, type ImportField } from './api';
import classes from './import.module.css';
import { UnitPicker } from './UnitPicker';

const FIELDS = Object.keys(vi.rollout.field) as ImportField[];

interface MappingProps {
  job: Import;
  busy: boolean;
  act: (work: Promise<Import>) => Promise<void>;
}

/** What each column holds, over the first rows as they stand in the file. */
export function Mapping({ job, busy, act }: MappingProps) {
  const { t } = useTranslation();
  const choose = (index: number, field: ImportField | null) => {
    const columns = Object.fromEntries(
      job.columns.map((column) => {
        // A field moves to the column it is chosen for; phones may stand in several.
        const moved = column.index !== index && field !== 'phone' && column.field === field;
        return [String(column.index), column.index === index ? field : moved ? null : column.field];
      }),
    );
    void act(imports.map(job.id, { columns, rows: 1 }));
  };
  const heading = (first: number, rows: number) => void act(imports.map(job.id, { first, rows }));
  return (
    <section className={classes.section} aria-labelledby="import-columns">
      <div className={classes.between}>
        <div>
          <h2 id="import-columns">{t('rollout.import.columns')}</h2>
          <p className={classes.hint}>{t('rollout.import.columnsHint')}</p>
        </div>
        <div className={classes.row}>
          {job.sheets.length > 1 && (
            <NativeSelect
              label={t('rollout.import.sheet')}
              value={job.sheet}
              disabled={busy}
              onChange={(event) =>
                void act(imports.map(job.id, { sheet: event.currentTarget.value, rows: 1 }))
              }
              data={job.sheets}
              maw={200}
            />
          )}
          <NumberInput
            key={`first ${job.heading.first}`}
            label={t('rollout.import.headingAt')}
            defaultValue={job.heading.first}
            disabled={busy}
            min={1}
            allowDecimal={false}
            hideControls
            onKeyDown={(event) => {
              if (event.key === 'Enter') event.currentTarget.blur();
            }}
            w={110}
            onBlur={(event) => {
              const first = Number.parseInt(event.currentTarget.value, 10);
              if (first >= 1 && first !== job.heading.first) heading(first, Math.max(1, job.heading.rows));
            }}
          />
          <NativeSelect
            label={t('rollout.import.headingRows')}
            value={String(job.heading.rows)}
            disabled={busy}
            onChange={(event) => heading(job.heading.first, Number(event.currentTarget.value))}
            data={['0', '1', '2', '3', '4']}
            w={140}
          />
        </div>
      </div>
      <Within job={job} busy={busy} act={act} />
      {!job.mapped && (
        <p role="alert" className={classes.alert} data-testid="import-unmapped">
          {t('rollout.import.noPlace')}
        </p>
      )}
      <div className={classes.scroll} tabIndex={0} role="region" aria-label={t('rollout.import.preview')}>
        <table className={classes.preview}>
          <thead>
            <tr>
              <td className={classes.number} />
              {job.columns.map((column) => (
                <td key={column.index}>
                  <NativeSelect
                    size="xs"
                    aria-label={`${t('rollout.import.takenAs')}: ${column.title || t('rollout.import.untitled')}`}
                    value={column.field ?? ''}
                    disabled={busy}
                    onChange={(event) =>
                      choose(column.index, (event.currentTarget.value || null) as ImportField | null)
                    }
                    data={[
                      { value: '', label: t('rollout.import.ignore') },
                      ...FIELDS.map((field) => ({ value: field, label: t(`rollout.field.${field}`) })),
                    ]}
                    data-testid={`column-${column.index}`}
                  />
                </td>
              ))}
            </tr>
            <tr>
              <th scope="col" className={classes.number}>
                {t('rollout.import.row')}
              </th>
              {job.columns.map((column) => (
                <th key={column.index} scope="col" data-ignored={column.field === null || undefined}>
                  {column.title || <i>{t('rollout.import.untitled')}</i>}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {job.preview.slice(0, 6).map((row) => (
              <tr key={row.row}>
                <th scope="row" className={classes.number}>
                  {row.row}
                </th>
                {row.cells.map((cell, index) => (
                  <td key={index} data-ignored={job.columns[index]?.field === null || undefined}>
                    {cell}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

/** In which unit the whole list lies: names without what is above them are looked for there first. */
function Within({ job, busy, act }: MappingProps) {
  const { t } = useTranslation();
  const [looking, setLooking] = useState(false);
  const choose = (within: string) => {
    setLooking(false);
    void act(imports.map(job.id, { within, rows: 1 }));
  };
  return (
    <div className={classes.row} data-testid="import-within">
      <span>
        {t('rollout.import.within')}: <strong>{job.within_path ?? t('rollout.import.anywhere')}</strong>
      </span>
      {looking ? (
        <UnitPicker
          label={t('rollout.import.within')}
          testid="within-unit"
          onPick={({ code }) => choose(code)}
        />
      ) : (
        <>
          <Button size="compact-sm" variant="default" disabled={busy} onClick={() => setLooking(true)}>
            {t('rollout.import.withinChange')}
          </Button>
          {job.within !== null && (
            <Button size="compact-sm" variant="default" disabled={busy} onClick={() => choose('VN')}>
              {t('rollout.import.withinAny')}
            </Button>
          )}
        </>
      )}
    </div>
  );
}
