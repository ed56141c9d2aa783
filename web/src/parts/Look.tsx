import '../design/fonts';
import '@mantine/core/styles.layer.css';
import '../design/tokens.css';
import { localStorageColorSchemeManager, MantineProvider } from '@mantine/core';
import type { ReactNode } from 'react';
import { theme, variables } from '../design/theme';

const managers = {
  post: localStorageColorSchemeManager({ key: 'dc.theme.post' }),
  desk: localStorageColorSchemeManager({ key: 'dc.theme.desk' }),
};

/** The post is light and follows the device; the desk is dark, so that pictures are the brightest thing. */
export function Look({ kind, children }: { kind: 'post' | 'desk'; children: ReactNode }) {
  return (
    <MantineProvider
      key={kind}
      theme={theme}
      cssVariablesResolver={variables}
      colorSchemeManager={managers[kind]}
      defaultColorScheme={kind === 'post' ? 'auto' : 'dark'}
    >
      {children}
    </MantineProvider>
  );
}
