import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import classes from './prepare.module.css';

/** Steps by system; this machine's own first. Keys of `prepare.*`. */
const SYSTEMS = {
  windows: ['windows1', 'windows2', 'windows3', 'windows4'],
  mac: ['mac1', 'mac2'],
  android: ['android1', 'android2', 'android3'],
  ios: ['ios1', 'ios2'],
  linux: ['linux1', 'linux2'],
} as const;

type System = keyof typeof SYSTEMS;

/** By what the browser says of itself; a wrong guess only changes the order. */
export function systemOf(agent: string): System {
  if (/android/i.test(agent)) return 'android';
  if (/iphone|ipad/i.test(agent)) return 'ios';
  if (/windows/i.test(agent)) return 'windows';
  if (/mac os/i.test(agent)) return 'mac';
  return 'linux';
}

/** What a post sets up once so that its machine does not sleep in a meeting. */
export default function Prepare() {
  const { t } = useTranslation();
  const own = systemOf(navigator.userAgent);
  const order = [own, ...(Object.keys(SYSTEMS) as System[]).filter((system) => system !== own)];
  return (
    <main className={classes.page} data-testid="prepare">
      <h1>{t('prepare.title')}</h1>
      <p>{t('prepare.intro')}</p>
      <section>
        <h2>{t('prepare.always')}</h2>
        <ol>
          <li>{t('prepare.always1')}</li>
          <li>{t('prepare.always2')}</li>
          <li>{t('prepare.always3')}</li>
        </ol>
      </section>
      {order.map((system) => (
        <details key={system} open={system === own}>
          <summary>
            <h2>{t(`prepare.${system}`)}</h2>
          </summary>
          <ol>
            {SYSTEMS[system].map((step) => (
              <li key={step}>{t(`prepare.${step}`)}</li>
            ))}
          </ol>
        </details>
      ))}
      <p>{t('prepare.checked')}</p>
      <Link to="/diem-cau">{t('prepare.back')}</Link>
    </main>
  );
}
