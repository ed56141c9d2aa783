import { useQuery } from '@tanstack/react-query';
import { http } from '../http';

/** Who is at the desk. */
export function useMe() {
  return useQuery({
    queryKey: ['me', 'desk'],
    queryFn: () => {
      http.page = 'desk';
      return http.me();
    },
    retry: false,
    staleTime: 60_000,
  });
}
