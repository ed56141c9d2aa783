import { Button, Radio } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { formatNumber } from '../i18n/format';
import { imports, type Import, type ImportQuestion } from './api';
import classes from './import.module.css';
import { UnitPicker } from './UnitPicker';

const AT_ONCE = 20;
const NONE = 'none';

interface Answer {
  unit: string | null;
  /** Of a unit that was not among the candidates. */
  path?: string;
}

interface QuestionsProps {
  job: Import;
  busy: boolean;
  act: (work: Promise<Import>) => Promise<void>;
}

/** Names that no unit or several answer to: one choice each, for all rows with the name. */
export function Questions({ job, busy, act }: QuestionsProps) {
  const { t } = useTranslation();
  const [answers, setAnswers] = useState<Record<string, Answer>>({});
  const shown = job.questions.slice(0, AT_ONCE);
  const chosen = shown.filter((question) => question.key in answers);
  const send = async () => {
    const sent = Object.fromEntries(chosen.map(({ key }) => [key, answers[key]?.unit ?? null]));
    await act(imports.answer(job.id, sent));
  };
  return (
    <section className={classes.section} aria-labelledby="import-questions" data-testid="import-questions">
      <div className={classes.between}>
        <div>
          <h2 id="import-questions">
            {t('rollout.ask.title')} ({formatNumber(job.asked)})
          </h2>
          <p className={classes.hint}>{t('rollout.ask.hint')}</p>
        </div>
        <div className={classes.row}>
          <span className={classes.hint}>
            {t('rollout.ask.chosen', { count: chosen.length, of: shown.length })}
          </span>
          <Button
            onClick={() => void send()}
            disabled={chosen.length === 0 || busy}
            data-testid="import-answer"
          >
            {t('rollout.ask.send')}
          </Button>
        </div>
      </div>
      <ul className={classes.questions}>
        {shown.map((question) => (
          <Question
            key={question.key}
            question={question}
            answer={answers[question.key]}
            onAnswer={(answer) => setAnswers((now) => ({ ...now, [question.key]: answer }))}
          />
        ))}
      </ul>
      {job.asked > shown.length && (
        <p className={classes.hint}>{t('rollout.ask.more', { count: job.asked - shown.length })}</p>
      )}
    </section>
  );
}

interface QuestionProps {
  question: ImportQuestion;
  answer: Answer | undefined;
  onAnswer: (answer: Answer) => void;
}

function Question({ question, answer, onAnswer }: QuestionProps) {
  const { t } = useTranslation();
  const [looking, setLooking] = useState(false);
  const value = answer === undefined ? '' : (answer.unit ?? NONE);
  return (
    <li className={classes.question} data-testid="import-question">
      <div className={classes.asked}>
        <span className={classes.level}>{t(`rollout.ask.level.${question.level ?? 'none'}`)}</span>
        <strong>{question.text}</strong>
        {question.within_path !== null && (
          <span className={classes.hint}>{t('rollout.ask.inside', { path: question.within_path })}</span>
        )}
        <span className={classes.hint}>
          {t('rollout.ask.rows', { count: question.rows, first: question.first_row })}
        </span>
      </div>
      <div>
        <Radio.Group
          aria-label={t('rollout.ask.candidates', { text: question.text })}
          value={value}
          onChange={(unit) => onAnswer({ unit: unit === NONE ? null : unit })}
        >
          <div className={classes.candidates}>
            {question.candidates.map((candidate) => (
              <Radio
                key={candidate.unit}
                value={candidate.unit}
                label={
                  <>
                    {candidate.path} <span className={classes.code}>{candidate.unit}</span>
                  </>
                }
              />
            ))}
            {answer?.path !== undefined && answer.unit !== null && (
              <Radio
                value={answer.unit}
                label={
                  <>
                    {answer.path} <span className={classes.code}>{answer.unit}</span>
                  </>
                }
              />
            )}
            <Radio value={NONE} label={t('rollout.ask.none')} />
          </div>
        </Radio.Group>
        {looking ? (
          <UnitPicker
            label={t('rollout.ask.search')}
            testid="question-unit"
            onPick={({ code, path }) => {
              const known = question.candidates.some((candidate) => candidate.unit === code);
              onAnswer(known ? { unit: code } : { unit: code, path });
              setLooking(false);
            }}
          />
        ) : (
          <Button size="compact-sm" variant="subtle" onClick={() => setLooking(true)}>
            {t('rollout.ask.other')}
          </Button>
        )}
      </div>
    </li>
  );
}
