import {
  Button,
  Chip,
  createTheme,
  Modal,
  type CSSVariablesResolver,
  type MantineColorsTuple,
} from '@mantine/core';

// Mantine's own scales, laid on our tokens: the library carries inputs, dialogs, menus and tables, and looks like the rest.
const grey: MantineColorsTuple = [
  '#eceff2',
  '#d3d9df',
  '#b3bcc6',
  '#98a3ae',
  '#6f7a86',
  '#4a535c',
  '#2e343b',
  '#1e2227',
  '#15181c',
  '#0e1013',
];
const blue: MantineColorsTuple = [
  '#e8f2fc',
  '#d0e4f8',
  '#a9cef2',
  '#8cc4ff',
  '#559bdd',
  '#2f7ac2',
  '#1562ab',
  '#0b5499',
  '#0b4a8c',
  '#083a70',
];

export const theme = createTheme({
  fontFamily: 'var(--dc-font)',
  headings: { fontFamily: 'var(--dc-font)', fontWeight: '600' },
  colors: { dark: grey, blue },
  primaryColor: 'blue',
  primaryShade: { light: 8, dark: 3 },
  autoContrast: true,
  defaultRadius: 6,
  radius: { xs: '6px', sm: '6px', md: '6px', lg: '6px', xl: '6px' },
  fontSizes: { xs: '13px', sm: '15px', md: '15px', lg: '18px', xl: '28px' },
  spacing: { xs: '8px', sm: '12px', md: '16px', lg: '24px', xl: '32px' },
  shadows: { xs: 'none', sm: 'none', md: 'none', lg: 'none', xl: '0 12px 40px rgb(0 0 0 / 45%)' },
  respectReducedMotion: true,
  cursorType: 'pointer',
  components: {
    Button: Button.extend({
      vars: (_theme, { variant, color }) =>
        (variant ?? 'filled') === 'filled' && color === undefined
          ? {
              root: {
                '--button-bg': 'var(--dc-accent)',
                '--button-hover': 'var(--dc-accent-hover)',
                '--button-color': 'var(--dc-on-accent)',
              },
            }
          : { root: {} },
    }),
    Chip: Chip.extend({
      vars: () => ({
        root: {
          '--chip-bg': 'var(--dc-accent)',
          '--chip-hover': 'var(--dc-accent-hover)',
          '--chip-color': 'var(--dc-on-accent)',
          '--chip-icon-color': 'var(--dc-on-accent)',
        },
      }),
    }),
    ModalRoot: Modal.Root.extend({
      defaultProps: { shadow: 'xl', centered: true, transitionProps: { duration: 120 } },
    }),
    Menu: { defaultProps: { transitionProps: { duration: 0 } } },
    Select: { defaultProps: { allowDeselect: false, checkIconPosition: 'right' } },
  },
});

export const variables: CSSVariablesResolver = () => {
  const shared = {
    '--mantine-color-body': 'var(--dc-ground)',
    '--mantine-color-text': 'var(--dc-ink)',
    '--mantine-color-dimmed': 'var(--dc-ink-2)',
    '--mantine-color-placeholder': 'var(--dc-ink-2)',
    '--mantine-color-default': 'var(--dc-raised)',
    '--mantine-color-default-hover': 'var(--dc-hover)',
    '--mantine-color-default-color': 'var(--dc-ink)',
    '--mantine-color-default-border': 'var(--dc-line-strong)',
    '--mantine-color-error': 'var(--dc-air-ink)',
    '--mantine-color-anchor': 'var(--dc-link)',
  };
  return { variables: {}, light: shared, dark: shared };
};
