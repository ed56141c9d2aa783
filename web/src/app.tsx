import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { lazy, Suspense } from 'react';
import { createBrowserRouter, Navigate, RouterProvider } from 'react-router';
import { useTranslation } from 'react-i18next';
import { Activation } from './door/Activation';
import { Login } from './door/Login';
import { Start } from './door/Start';
import { codeOf } from './protocol/failure';
import { Crash } from './parts/Crash';
import { Look } from './parts/Look';

const Prepare = lazy(() => import('./site/Prepare'));
const SitePage = lazy(() => import('./site/SitePage'));
const SelfTestPage = lazy(() => import('./selftest/SelfTestPage'));
const Sheets = lazy(() => import('./rollout/Sheets'));
const MeetingList = lazy(() => import('./desk/MeetingList'));
const Rollout = lazy(() => import('./rollout/Shell'));
const ImportPage = lazy(() => import('./rollout/ImportPage'));
const Rehearsals = lazy(() => import('./rollout/Rehearsals'));
const PeoplePage = lazy(() => import('./rollout/PeoplePage'));
const Readiness = lazy(() => import('./rollout/Readiness'));
const Waves = lazy(() => import('./rollout/waves/Waves'));
const WavePage = lazy(() => import('./rollout/waves/WavePage'));
const RollCallPage = lazy(() => import('./rollcall/RollCallPage'));
const WallPage = lazy(() => import('./screens/WallPage'));
const StagePage = lazy(() => import('./screens/StagePage'));
const LeaderPage = lazy(() => import('./screens/LeaderPage'));
const InspectionsPage = lazy(() => import('./inspections/InspectionsPage'));
const BoardPage = lazy(() => import('./many/BoardPage'));
const Centre = lazy(() => import('./desk/Centre'));

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      // What the server refuses it refuses again; only silence is worth another try.
      retry: (count, error) => count < 3 && ['offline', 'busy'].includes(codeOf(error)),
    },
  },
});

function Loading() {
  const { t } = useTranslation();
  return (
    <p role="status" style={{ padding: 24 }}>
      {t('app.loading')}
    </p>
  );
}

const page = (kind: 'post' | 'desk', what: React.ReactNode) => (
  <Look kind={kind}>
    <Crash>
      <Suspense fallback={<Loading />}>{what}</Suspense>
    </Crash>
  </Look>
);

const router = createBrowserRouter([
  { path: '/', element: page('post', <Start />) },
  { path: '/vao', element: page('post', <Activation />) },
  { path: '/dang-nhap', element: page('desk', <Login />) },
  { path: '/diem-cau', element: page('post', <SitePage />) },
  { path: '/kiem-tra', element: page('post', <SelfTestPage />) },
  { path: '/chuan-bi', element: page('post', <Prepare />) },
  { path: '/trung-tam', element: page('desk', <MeetingList />) },
  {
    path: '/trung-tam/trien-khai',
    element: page('desk', <Rollout />),
    children: [
      { index: true, element: <Readiness /> },
      { path: 'nhap', element: <ImportPage /> },
      { path: 'chay-thu', element: <Rehearsals /> },
      { path: 'nguoi', element: <PeoplePage /> },
      { path: 'phieu', element: <Sheets /> },
      { path: 'dot', element: <Waves /> },
      { path: 'dot/:wave', element: <WavePage /> },
    ],
  },
  { path: '/trung-tam/:meeting/diem-danh', element: page('desk', <RollCallPage />) },
  { path: '/trung-tam/man-hinh/tuong', element: page('desk', <WallPage />) },
  { path: '/trung-tam/man-hinh/hinh-chinh', element: page('desk', <StagePage />) },
  { path: '/trung-tam/man-hinh/lanh-dao', element: page('desk', <LeaderPage />) },
  { path: '/trung-tam/kiem-tra', element: page('desk', <InspectionsPage />) },
  { path: '/trung-tam/dang-hop', element: page('desk', <BoardPage />) },
  { path: '/trung-tam/:meeting', element: page('desk', <Centre />) },
  { path: '*', element: <Navigate to="/" replace /> },
]);

export function App() {
  return (
    <QueryClientProvider client={queries}>
      <RouterProvider router={router} />
    </QueryClientProvider>
  );
}
