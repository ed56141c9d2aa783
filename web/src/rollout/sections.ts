import type { vi } from '../i18n/vi';

/**
 * The rollout's pages, in the order of its navigation. A new one is a line here, its words in `i18n/rollout.*`, and
 * a route in `app.tsx`. `needs`: commands of which somebody must be able to do one to use the page.
 */
export const SECTIONS: readonly {
  path: string;
  name: keyof typeof vi.rollout.section;
  needs: readonly string[];
}[] = [
  { path: '', name: 'readiness', needs: ['site.see'] },
  { path: 'nhap', name: 'import', needs: ['site.create', 'site.change'] },
  { path: 'phieu', name: 'sheets', needs: ['code.issue'] },
  { path: 'dot', name: 'waves', needs: ['site.see'] },
  { path: 'chay-thu', name: 'rehearsals', needs: ['rehearsal.run', 'site.see'] },
  { path: 'nguoi', name: 'people', needs: ['person.manage'] },
];
