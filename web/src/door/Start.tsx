import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { Navigate } from 'react-router';
import { http } from '../http';

/** The bare address: whoever asks is sent to his page. */
export function Start() {
  const { t } = useTranslation();
  const me = useQuery({
    queryKey: ['me'],
    queryFn: async () => {
      // A browser may be both: whoever opens the bare address is the site, if it is one.
      http.page = (await http.device?.known()) ? 'site' : null;
      return http.me().catch((error: unknown) => {
        if (http.page === null) throw error;
        http.page = null;
        return http.me();
      });
    },
    retry: false,
  });
  if (me.isPending) return <p role="status">{t('app.loading')}</p>;
  if (me.data?.kind === 'site') return <Navigate to="/diem-cau" replace />;
  return <Navigate to={me.data ? '/trung-tam' : '/dang-nhap'} replace />;
}
