import { Component, type ReactNode } from 'react';
import { Translation } from 'react-i18next';

/** The last net: a page that fails says so and offers the one thing that helps. */
export class Crash extends Component<{ children: ReactNode }, { failed: boolean }> {
  override state = { failed: false };

  static getDerivedStateFromError(): { failed: boolean } {
    return { failed: true };
  }

  override render(): ReactNode {
    if (!this.state.failed) return this.props.children;
    return (
      <Translation>
        {(t) => (
          <main style={{ padding: 24 }} role="alert">
            <p>{t('app.crashed')}</p>
            <button type="button" onClick={() => location.reload()}>
              {t('app.reload')}
            </button>
          </main>
        )}
      </Translation>
    );
  }
}
